// The distance from an input to a linear boundary is known for every norm, in the box too, and so is the way out of a ball.
import { type Attack, type AttackProblem, type AttackResult, type Bounds, l1, l2, linf, type Model, randomStream, runAttack, type ThreatModel } from '@robustjs/core';
import { binaryLinearModel, expectClose, expectSameBits, linearModel, numbersOf, quadraticModel, useWasm } from '@robustjs/testkit';
import { dispose, tensor1d, tensor2d } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { cw, ddn, ead, fmn, l0, pgdL0 } from '../src/index.ts';

useWasm();

type Vector = readonly number[];
interface Found extends Omit<AttackResult, 'adversarial'> {
  readonly adversarial: number[][];
}

async function attacked(attack: Attack, threat: ThreatModel, model: Model, inputs: number[][], labels: number[], more: Partial<AttackProblem> = {}): Promise<Found> {
  const [x, y] = [tensor2d(inputs), tensor1d(labels, 'int32')];
  const result = await runAttack(attack, { model, inputs: x, labels: y, ids: labels.map((_, i) => 3 * i), threat, random: randomStream(0), ...more });
  const values = await numbersOf(result.adversarial);
  dispose([x, y, result.adversarial]);
  const size = inputs[0]!.length;
  return { ...result, adversarial: inputs.map((_, i) => values.slice(i * size, (i + 1) * size)) };
}

const dot = (a: Vector, b: Vector): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
const lengths: Readonly<Record<string, (v: Vector) => number>> = {
  Linf: (v) => Math.max(...v.map(Math.abs)),
  L2: (v) => Math.hypot(...v),
  L1: (v) => v.reduce((sum, value) => sum + Math.abs(value), 0),
};

/** How far a value goes down against its weight before the box ends. */
const roomAgainst = (w: number, x: number, [low, high]: Bounds): number => (w > 0 ? x - low : high - x);

/** The smallest distance at which w.x + b gets down from `margin` to zero in the box, in plain loops. */
const boxedDistance: Readonly<Record<string, (w: Vector, x: Vector, margin: number, bounds: Bounds) => number>> = {
  // Everything moves by t, or by s times its weight, as far as the box lets it; t and s by bisection.
  Linf: (w, x, margin, bounds) => bisected((t) => w.map((value, i) => Math.min(t, roomAgainst(value, x[i]!, bounds))), w, margin, lengths['Linf']!),
  L2: (w, x, margin, bounds) => bisected((s) => w.map((value, i) => Math.min(s * Math.abs(value), roomAgainst(value, x[i]!, bounds))), w, margin, lengths['L2']!),
  // The largest weights first, each as far as the box lets it.
  L1(w, x, margin, bounds) {
    let [left, spent] = [margin, 0];
    for (const i of w.map((_, i) => i).sort((p, q) => Math.abs(w[q]!) - Math.abs(w[p]!))) {
      const move = Math.min(left / Math.abs(w[i]!), roomAgainst(w[i]!, x[i]!, bounds));
      left -= move * Math.abs(w[i]!);
      spent += move;
    }
    return left > 1e-9 ? Infinity : spent;
  },
  // The largest gains first, each whole.
  L0(w, x, margin, bounds) {
    const gains = w.map((value, i) => Math.abs(value) * roomAgainst(value, x[i]!, bounds)).sort((a, b) => b - a);
    let left = margin;
    return gains.findIndex((gain) => (left -= gain) < 0) + 1;
  },
};

function bisected(moves: (t: number) => number[], w: Vector, margin: number, length: (v: Vector) => number): number {
  let [low, high] = [0, 100];
  for (let i = 0; i < 100; i++) {
    const middle = (low + high) / 2;
    if (dot(moves(middle), w.map(Math.abs)) < margin) low = middle;
    else high = middle;
  }
  return length(moves(high));
}

/** Inputs of 20 values, a third of them at the bounds, that the model puts into class 1 by some margin. */
function boxedProblem(bounds: Bounds): { w: number[]; bias: number; inputs: number[][]; margins: number[] } {
  const [low, high] = bounds;
  const random = randomStream(7).split('boxed');
  const w = Array.from(random.split('w').normal(20), Math.fround);
  const inputs = Array.from({ length: 6 }, (_, row) =>
    Array.from(random.split('x', row).uniform(20), (u) => Math.fround(low + (high - low) * Math.min(1, Math.max(0, 1.5 * u - 0.25)))));
  const scores = inputs.map((x) => dot(w, x));
  const bias = Math.fround(0.8 * (high - low) - Math.min(...scores));
  return { w, bias, inputs, margins: scores.map((score) => score + bias) };
}

const threats: Readonly<Record<string, (eps: number) => ThreatModel>> = { Linf: linf, L2: l2, L1: l1, L0: l0 };

// How near each attack comes, and why no nearer: C&W ends with steps of a share of alpha, DDN's sphere grows and shrinks by gamma, FMN's by
// less and less, EAD shrinks by beta in every step and so weighs L1 against L2. Some begin nearer in the open, where the way is short.
const search = { initialConstant: 0.1, binarySearchSteps: 7 };
const attacks: readonly { name: string; norm: string; open: Attack; boxed?: Attack; tolerance: number }[] = [
  { name: 'cw', norm: 'L2', open: cw({ ...search, steps: 150 }), boxed: cw({ ...search, steps: 200, alpha: 0.1 }), tolerance: 0.02 },
  { name: 'ddn', norm: 'L2', open: ddn({ steps: 200, gamma: 0.01, radius: 0.2 }), boxed: ddn({ steps: 400, gamma: 0.01 }), tolerance: 0.01 },
  { name: 'fmn', norm: 'Linf', open: fmn(), tolerance: 0.01 },
  { name: 'fmn', norm: 'L2', open: fmn(), tolerance: 0.01 },
  { name: 'fmn', norm: 'L1', open: fmn({ steps: 300 }), tolerance: 0.01 },
  { name: 'ead', norm: 'L1', open: ead({ ...search, steps: 150, beta: 0.01, decision: 'L1' }), boxed: ead({ ...search, steps: 200, alpha: 0.02, beta: 0.05, decision: 'L1' }), tolerance: 0.2 },
];

describe('the way to a linear boundary', () => {
  it.each(attacks)('is as short as it can be under $name in $norm', async ({ open: attack, norm, tolerance }) => {
    const model = binaryLinearModel([3, -4, 1, -0.5], 0.3, [-5, 5]);
    const inputs = [[0.5, 0.4, 0.6, 0.5], [1, -0.5, 0.2, 0], [-0.3, -1, 2, 1]];
    const { distances, success } = await attacked(attack, threats[norm]!(Infinity), model, inputs, [1, 1, 1]);
    expect(success).toEqual([true, true, true]);
    inputs.forEach((x, i) => {
      const exact = model.distance(x, 1, norm as 'L2');
      expect(distances[i]! / exact, `row ${i}`).toBeGreaterThan(1 - 1e-5);
      expect(distances[i]! / exact, `row ${i}`).toBeLessThan(1 + tolerance);
    });
    model.dispose();
  });

  it.each(attacks)('is as short as the box lets it be under $name in $norm', async ({ open, boxed: attack = open, norm, tolerance }) => {
    for (const bounds of [[0, 1], [-2, 6]] as const) {
      const { w, bias, inputs, margins } = boxedProblem(bounds);
      const model = binaryLinearModel(w, bias, bounds);
      const { distances, success } = await attacked(attack, threats[norm]!(Infinity), model, inputs, inputs.map(() => 1));
      expect(success).toEqual(inputs.map(() => true));
      inputs.forEach((x, i) => {
        const exact = boxedDistance[norm]!(w, x, margins[i]!, bounds);
        expect(distances[i]! / exact, `row ${i} in ${bounds.join()}`).toBeGreaterThan(1 - 1e-5);
        expect(distances[i]! / exact, `row ${i} in ${bounds.join()}`).toBeLessThan(1 + tolerance);
      });
      model.dispose();
    }
  });

  it('takes the fewest pixels under FMN in L0, and PGD-L0 makes it with these and not with one less', async () => {
    const bounds = [0, 1] as const;
    const { w, bias, inputs, margins } = boxedProblem(bounds);
    const model = binaryLinearModel(w, bias, bounds);
    const fewest = inputs.map((x, i) => boxedDistance['L0']!(w, x, margins[i]!, bounds));
    expect(Math.max(...fewest)).toBeGreaterThan(Math.min(...fewest));
    expect([...(await attacked(fmn(), l0(Infinity), model, inputs, inputs.map(() => 1))).distances]).toEqual(fewest);
    for (const count of new Set(fewest)) {
      const { success } = await attacked(pgdL0({ steps: 20, restarts: 2 }), l0(count), model, inputs, inputs.map(() => 1));
      expect(success).toEqual(fewest.map((least) => least <= count));
    }
    model.dispose();
  });

  it('is the same towards the other one of two classes as away from the own', async () => {
    const model = binaryLinearModel([3, -4], -1);
    const targets = tensor1d([0], 'int32');
    for (const { name, open: attack, norm } of attacks) {
      const away = await attacked(attack, threats[norm]!(Infinity), model, [[0.5, 0.1]], [1]);
      const towards = await attacked(attack, threats[norm]!(Infinity), model, [[0.5, 0.1]], [1], { targets });
      await expectClose(towards.distances, away.distances, { relative: name === 'ddn' ? 0.01 : 1e-5 });
    }
    targets.dispose();
    model.dispose();
  });

  it('leads to the target, past a nearer class', async () => {
    // From the origin class 1 is |x|_inf = 0.1 away, class 2 is 0.3; both beside each other, as in the tests of PGD.
    const model = linearModel({ weights: [[0, 0], [1, 1], [1, -1]], bias: [0, -0.2, -0.6], bounds: [-5, 5] });
    const targets = tensor1d([2], 'int32');
    const towards = await attacked(fmn(), linf(Infinity), model, [[0, 0]], [0], { targets });
    const away = await attacked(fmn(), linf(Infinity), model, [[0, 0]], [0]);
    expect(towards.distances[0]).toBeCloseTo(0.3, 3);
    expect(away.distances[0]).toBeCloseTo(0.1, 3);
    targets.dispose();
    model.dispose();
  });
});

describe('the way out of a ball', () => {
  // f_0 = 0.5^2 - ||x||^2 in [-1, 1]: the way has length 0.5 - ||x||, and where it begins at the origin no gradient shows it.
  const inputs = [[0.2, 0, 0, 0], [0.1, -0.1, 0.1, -0.1], [0, 0, 0, 0]];
  const exact = [0.3, 0.3, 0.5];

  it.each([
    ['ddn', ddn({ steps: 200, gamma: 0.01 }), 0.01], ['fmn', fmn(), 0.01],
  ] as const)('is found by %s from anywhere, its center too', async (_name, attack, tolerance) => {
    const model = quadraticModel(4, 0.5);
    const { distances } = await attacked(attack, l2(Infinity), model, inputs, [0, 0, 0]);
    exact.forEach((distance, i) => expect(Math.abs(distances[i]! / distance - 1)).toBeLessThan(tolerance));
  });

  it('is found by C&W where there is a gradient', async () => {
    const model = quadraticModel(4, 0.5);
    const { distances } = await attacked(cw({ steps: 100, alpha: 0.03, initialConstant: 0.1, binarySearchSteps: 6 }), l2(Infinity), model, inputs.slice(0, 2), [0, 0]);
    [0.3, 0.3].forEach((distance, i) => expect(Math.abs(distances[i]! / distance - 1)).toBeLessThan(0.01));
  });
});

describe('C&W', () => {
  it('is the published algorithm in a plain loop, without aborting', async () => {
    const [w, bias, x] = [[3, -4], 0.5, [0.7, 0.3]];
    const options = { binarySearchSteps: 6, steps: 40, alpha: 0.05, initialConstant: 0.01, abortEarly: false };
    const model = binaryLinearModel(w, bias);
    const { distances } = await attacked(cw(options), l2(Infinity), model, [x], [1]);
    // Double precision; inputs are 0.5 + 0.5 tanh(u).
    const start = x.map((value) => Math.atanh((2 * value - 1) * 0.999999));
    let [constant, lower, upper, nearest] = [options.initialConstant, 0, 1e10, Infinity];
    for (let outer = 0; outer < options.binarySearchSteps; outer++) {
      let [u, m, v, found] = [[...start], [0, 0], [0, 0], false];
      for (let t = 1; t <= options.steps; t++) {
        const moved = u.map((value) => 0.5 + 0.5 * Math.tanh(value));
        const margin = dot(w, moved) + bias;
        if (margin < 0) {
          found = true;
          nearest = Math.min(nearest, Math.hypot(...moved.map((value, i) => value - x[i]!)));
        }
        const gradient = moved.map((value, i) => (2 * (value - x[i]!) + (margin > 0 ? constant * w[i]! : 0)) * 0.5 * (1 - Math.tanh(u[i]!) ** 2));
        m = m.map((value, i) => 0.9 * value + 0.1 * gradient[i]!);
        v = v.map((value, i) => 0.999 * value + 0.001 * gradient[i]! ** 2);
        u = u.map((value, i) => value - (options.alpha * (m[i]! / (1 - 0.9 ** t))) / Math.sqrt(v[i]! / (1 - 0.999 ** t)));
      }
      if (found) upper = Math.min(upper, constant);
      else lower = Math.max(lower, constant);
      constant = upper < 1e9 ? (lower + upper) / 2 : constant * 10;
    }
    expect(nearest).toBeLessThan(0.5);
    expect(distances[0]! / nearest).toBeCloseTo(1, 3);
    model.dispose();
  });

  it('goes on until the margin has the confidence asked for: (f + kappa) / ||w||', async () => {
    const model = binaryLinearModel([3, -4], -1, [-5, 5]);
    const { distances, adversarial } = await attacked(cw({ steps: 100, alpha: 0.03, initialConstant: 0.1, binarySearchSteps: 6, confidence: 2 }), l2(Infinity), model, [[0.5, 0.1]], [1]);
    expect(-model.logits(adversarial[0]!)[1]!).toBeGreaterThan(2 - 1e-4);
    expect(distances[0]! / (2.1 / 5)).toBeCloseTo(1, 2);
    model.dispose();
  });
});

describe('EAD', () => {
  it('keeps the nearest by the rule it is given', async () => {
    const bounds = [0, 1] as const;
    const { w, bias, inputs } = boxedProblem(bounds);
    const model = binaryLinearModel(w, bias, bounds);
    const moves = async (decision: 'EN' | 'L1'): Promise<number[][]> =>
      (await attacked(ead({ steps: 60, alpha: 0.02, beta: 0.05, initialConstant: 0.1, binarySearchSteps: 6, decision }), l1(Infinity), model, inputs, inputs.map(() => 1))).adversarial.map((row, i) => row.map((value, j) => value - inputs[i]![j]!));
    const [net, shortest] = [await moves('EN'), await moves('L1')];
    const elastic = (v: Vector): number => lengths['L2']!(v) ** 2 + 0.05 * lengths['L1']!(v);
    net.forEach((row, i) => {
      expect(lengths['L1']!(shortest[i]!)).toBeLessThanOrEqual(lengths['L1']!(row) + 1e-5);
      expect(elastic(row)).toBeLessThanOrEqual(elastic(shortest[i]!) + 1e-5);
    });
    expect(net).not.toEqual(shortest);
    model.dispose();
  });
});

describe('DDN', () => {
  it('rounds to the levels asked for', async () => {
    const model = binaryLinearModel([3, -4], -1, [-1, 1]);
    const { adversarial, success } = await attacked(ddn({ levels: 21 }), l2(Infinity), model, [[0.5, 0.1]], [1]);
    expect(success).toEqual([true]);
    await expectClose(adversarial[0]!, adversarial[0]!.map((value) => Math.round(value * 10) / 10), { relative: 1e-6 });
    model.dispose();
  });
});

describe.each([
  ['cw', cw({ binarySearchSteps: 5, steps: 100 }), 'L2'], ['ead', ead({ binarySearchSteps: 5, steps: 100 }), 'L1'], ['ddn', ddn(), 'L2'], ['fmn', fmn(), 'L2'],
  ['fmn', fmn(), 'Linf'], ['fmn', fmn(), 'L1'],
] as const)('%s with a budget', (_name, attack, norm) => {
  it('ends a row with the first adversarial input inside, and finds one if and only if there is one', async () => {
    const model = binaryLinearModel([3, -4, 1, -0.5], 0.3, [-5, 5]);
    const inputs = [[0.5, 0.4, 0.6, 0.5], [-5, 5, 0, 0], [5, -5, 0, 0]];
    // The second row is in the wrong class to begin with, the third is too far away.
    const eps = 1.2 * model.distance(inputs[0]!, 1, norm);
    const { success, distances, gradientCalls } = await attacked(attack, threats[norm]!(eps), model, inputs, [1, 1, 1]);
    expect(success).toEqual([true, true, false]);
    expect(distances[0]).toBeLessThanOrEqual(eps * (1 + 1e-5));
    expect(gradientCalls[0]).toBeLessThan(gradientCalls[2]!);
    expect(gradientCalls[1]).toBeLessThanOrEqual(gradientCalls[0]!);
    model.dispose();
  });

  it('hands over the nearest adversarial input, not the last, where nothing is judged', async () => {
    const model = binaryLinearModel([3, -4, 1, -0.5], 0.3, [-5, 5]);
    const inputs = [[0.5, 0.4, 0.6, 0.5]];
    const best = await attacked(attack, threats[norm]!(Infinity), model, inputs, [1]);
    const last = await attacked(attack, threats[norm]!(Infinity), model, inputs, [1], { keep: 'last' });
    await expectSameBits(last.adversarial[0]!, best.adversarial[0]!);
    model.dispose();
  });
});
