// APGD against plain loops in double precision, hand-computed ratios, closed forms on linear models, and the sheet's checkpoints.
import { type Attack, type AttackProblem, evaluation, l1, l2, linf, MAIN, type Model, modelOf, type Objective, randomStream, runAttack, type Search } from '@robustjs/core';
import { binaryLinearModel, expectClose, expectSameBits, linearModel, numbersOf, tinyBatch, tinyCnn, useWasm } from '@robustjs/testkit';
import { add, dispose, grad, mul, square, sub, sum, type Tensor, type Tensor1D, tensor1d, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { apgdCe, apgdDlr, apgdT, dlrObjective, targetedDlrObjective } from '../src/index.ts';
import { projectOntoL1Box } from '../src/apgd/l1-box.ts';
import { sparseStep } from '../src/apgd/l1-step.ts';
import type { Ruling, Standing } from '../src/apgd/climb.ts';
import { momentumRule } from '../src/apgd/momentum-rule.ts';
import { checkpoints, phases, sparseWindow } from '../src/apgd/schedule.ts';

useWasm();

describe('the schedule', () => {
  it.each([
    [100, [22, 41, 57, 70, 80, 87, 93, 99]],
    [50, [11, 21, 30, 38, 45]],
    [10, [2, 3, 4, 5, 6, 7, 8, 9, 10]],
    [1, [1]],
  ])('of %d steps is the sheet\'s', (steps, expected) => {
    expect(checkpoints(steps)).toEqual(expected);
  });

  it('is that of the paper: p_0 = 0, p_1 = 0.22, p_(j+1) = p_j + max(p_j - p_(j-1) - 0.03, 0.06), in whole percent', () => {
    const points = [0, 22];
    while (points.at(-1)! <= 100) points.push(points.at(-1)! + Math.max(points.at(-1)! - points.at(-2)! - 3, 6));
    expect(checkpoints(100)).toEqual(points.slice(1).filter((point) => point <= 100));
  });

  it('under L1 looks every 4 % of the steps, and shrinks the ball after 30 and 60 %', () => {
    expect([100, 50, 30, 10].map(sparseWindow)).toEqual([4, 2, 1, 1]);
    expect(phases(100)).toEqual([{ budget: 3, steps: 30 }, { budget: 2, steps: 30 }, { budget: 1, steps: 40 }]);
    expect(phases(10)).toEqual([{ budget: 3, steps: 3 }, { budget: 2, steps: 3 }, { budget: 1, steps: 4 }]);
    for (let steps = 1; steps < 40; steps++) {
      expect(phases(steps).reduce((all, phase) => all + phase.steps, 0)).toBe(steps);
      expect(phases(steps).at(-1)!.budget).toBe(1);
    }
  });
});

describe('the difference of logits ratio', () => {
  const valuesOf = async (objective: Objective, logits: number[][], labels: number[]): Promise<number[]> => {
    const [z, y] = [tensor2d(logits), tensor1d(labels, 'int32')];
    const values = tidy(() => objective(z, y));
    const numbers = await numbersOf(values);
    dispose([z, y, values]);
    return numbers;
  };
  const towards = (targets: number[]): Objective => (logits, labels) => tidy(() => targetedDlrObjective(tensor1d(targets, 'int32'))(logits, labels));

  it('of (3, 1, 0, -1) and class 0 is -2 / 3, and towards class 1 -2 / 3.5', async () => {
    await expectClose(await valuesOf(dlrObjective, [[3, 1, 0, -1]], [0]), [-2 / 3], { relative: 1e-6 });
    await expectClose(await valuesOf(towards([1]), [[3, 1, 0, -1]], [0]), [-2 / 3.5], { relative: 1e-6 });
  });

  it('is above zero exactly where the label is not on top', async () => {
    // Class 3 of (-1, 4, 0, 2): (4 - 2) / (4 - 0). Towards class 0: (-1 - 2) / (4 - (0 - 1) / 2).
    await expectClose(await valuesOf(dlrObjective, [[-1, 4, 0, 2], [-1, 4, 0, 2]], [3, 1]), [0.5, -0.5], { relative: 1e-6 });
    await expectClose(await valuesOf(towards([0]), [[-1, 4, 0, 2]], [3]), [-3 / 4.5], { relative: 1e-6 });
  });

  it('does not feel a shift nor a scale of the logits', async () => {
    const logits = [[3, 1, 0.5, -1, 0.25], [0, 2, -3, 1.5, 1]];
    for (const objective of [dlrObjective, towards([2, 3])]) {
      const plain = await valuesOf(objective, logits, [0, 2]);
      await expectClose(await valuesOf(objective, logits.map((row) => row.map((z) => 1000 * z - 7)), [0, 2]), plain, { relative: 1e-5 });
    }
  });

  it('with three classes takes the third logit for a mean of two, with two classes divides by nothing', async () => {
    await expectClose(await valuesOf(dlrObjective, [[3, 1, 0]], [0]), [-2 / 3], { relative: 1e-6 });
    await expectClose(await valuesOf(towards([2]), [[3, 1, 0]], [0]), [-3 / 3], { relative: 1e-6 });
    expect(await valuesOf(dlrObjective, [[3, 1]], [0])).toEqual([-2]);
    expect(await valuesOf(towards([1]), [[3, 1]], [0])).toEqual([-2]);
  });

  it.each([['untargeted', dlrObjective], ['targeted', towards([3, 0])]] as const)('%s has the gradient that differences give, through the divisor too', async (_name, objective) => {
    const logits = [[3, 1, 0.5, -1, 0.25], [0, 2, -3, 1.5, 1]];
    const labels = tensor1d([0, 2], 'int32');
    const z = tensor2d(logits);
    const gradient = grad((x: Tensor) => sum(objective(x, labels)))(z);
    const step = 1e-2;
    const slopes: number[] = [];
    for (let row = 0; row < 2; row++) {
      for (let k = 0; k < 5; k++) {
        const moved = (by: number): Promise<number[]> => valuesOf(objective, logits.map((values, r) => values.map((value, c) => value + (r === row && c === k ? by : 0))), [0, 2]);
        slopes.push(((await moved(step))[row]! - (await moved(-step))[row]!) / (2 * step));
      }
    }
    await expectClose(gradient, slopes, { relative: 1e-3 });
    dispose([labels, z, gradient]);
  });
});

/** What an attack looks at, in order. */
async function iterates(attack: Attack, problem: Omit<AttackProblem, 'random' | 'keep'>): Promise<number[][]> {
  const seen: Promise<number[]>[] = [];
  const note = (x: Tensor): void => {
    const copy = x.clone();
    seen.push(numbersOf(copy).finally(() => copy.dispose()));
  };
  const watching: Attack = {
    ...attack,
    search: (search) => attack.search(Object.create(search, {
      differentiate: { value: (x: Tensor, look: object) => (note(x), search.differentiate(x, look)) },
      query: { value: (x: Tensor, look: object) => (note(x), search.query(x, look)) },
      offer: { value: (x: Tensor) => (note(x), search.offer(x)) },
    }) as Search),
  };
  const { adversarial } = await runAttack(watching, { ...problem, random: randomStream(0), keep: 'last' });
  adversarial.dispose();
  return Promise.all(seen);
}

describe('in a plain loop', () => {
  // The objective c.x - a.x^2 - p x_0 x_1 of inputs that are their own outputs has the gradient c - 2 a x - p (x_1, x_0).
  const [slopes, bends, product] = [[3, -1, 0.7], [4, 2.5, -0.4], 1.3] as const;
  const valueOf = (x: number[]): number => x.reduce((all, value, i) => all + slopes[i]! * value - bends[i]! * value * value, 0) - product * x[0]! * x[1]!;
  const gradientOf = (x: number[]): number[] => x.map((value, i) => slopes[i]! - 2 * bends[i]! * value - product * (i === 0 ? x[1]! : i === 1 ? x[0]! : 0));
  const objective: Objective = (x) => tidy(() => {
    const cross = mul(mul(sum(mul(x, [1, 0, 0]), 1), sum(mul(x, [0, 1, 0]), 1)), product);
    return sub<Tensor1D>(sum(sub(mul(x, [...slopes]), mul(square(x), [...bends])), 1), cross);
  });
  const clip = (value: number): number => Math.min(1, Math.max(-1, value));
  const norms = {
    Linf: {
      threat: linf(0.8),
      steepest: (g: number[]): number[] => g.map(Math.sign),
      project: (x: number[], clean: number[]): number[] => x.map((value, i) => clip(Math.min(clean[i]! + 0.8, Math.max(clean[i]! - 0.8, value)))),
    },
    L2: {
      threat: l2(0.8),
      steepest: (g: number[]): number[] => g.map((value) => value / Math.hypot(...g)),
      project: (x: number[], clean: number[]): number[] => {
        const length = Math.hypot(...x.map((value, i) => value - clean[i]!));
        return x.map((value, i) => clip(length > 0.8 ? clean[i]! + ((value - clean[i]!) * 0.8) / length : value));
      },
    },
  };

  it.each(['Linf', 'L2'] as const)('is algorithm 1 under %s: every iterate, halvings and returns to the best included', async (norm) => {
    const { threat, steepest, project } = norms[norm];
    const [clean, steps] = [[0.5, 0.25, -0.3], 60];
    const model = modelOf((x) => x.clone(), { inputShape: [3], bounds: [-1, 1] });
    const [inputs, labels] = [tensor2d([clean]), tensor1d([0], 'int32')];
    const seen = await iterates(apgdCe({ steps }), { model, inputs, labels, ids: [4], threat, objective });
    // From the start that was drawn, in double precision.
    let x = seen[0]!;
    let previous = x;
    let [best, bestValue, value] = [x, valueOf(x), valueOf(x)];
    let [length, rises, window, counter, halved, checked] = [2 * 0.8, 0, Math.floor(0.22 * steps), 0, true, bestValue];
    const expected: number[][] = [];
    let halvings = 0;
    for (let step = 0; step < steps; step++) {
      const plain = project(x.map((at, i) => at + length * steepest(gradientOf(x))[i]!), clean);
      const share = step === 0 ? 1 : 0.75;
      const next = project(x.map((at, i) => at + share * (plain[i]! - at) + (1 - share) * (at - previous[i]!)), clean);
      previous = x;
      x = next;
      expected.push(x);
      if (valueOf(x) > value) rises++;
      value = valueOf(x);
      if (value > bestValue) [best, bestValue] = [x, value];
      if (++counter === window) {
        const stalled = !halved && checked >= bestValue;
        halved = rises <= 0.75 * window || stalled;
        checked = bestValue;
        if (halved) {
          length /= 2;
          x = best;
          halvings++;
        }
        window = Math.max(window - Math.max(Math.floor(0.03 * steps), 1), Math.max(Math.floor(0.06 * steps), 1));
        [counter, rises] = [0, 0];
      }
    }
    expect(halvings).toBeGreaterThan(0);
    expect(seen.length).toBe(1 + steps + 1);
    // Near the maximum the direction of a vanishing gradient magnifies float32's rounding, as far as 3e-5 under L2.
    for (let step = 0; step < steps; step++) await expectClose(seen[step + 1]!, expected[step]!, { relative: 0, absolute: step < 45 ? 2e-6 : 1e-4 });
    // At the end the best is offered; on the plateau around it float32 does not tell which point is the best.
    expect(valueOf(seen.at(-1)!)).toBeCloseTo(bestValue, 5);
    dispose([inputs, labels]);
  });
});

describe('a checkpoint', () => {
  // 20 steps begin with a window of int(4.4) = 4: with 3 rises, 0.75 of it, the step is halved, with 4 it is not.
  const halves = async (rises: number, { improves, before }: { improves: boolean; before?: boolean }): Promise<boolean[]> => {
    const search = { threat: linf(1) } as Search;
    const standing = (value: number, best: number): Standing => {
      const [inputs, values, bestValues] = [tensor2d([[0]]), tensor1d([value]), tensor1d([best])];
      return { inputs, gradient: inputs, values, best: inputs, bestGradient: inputs, bestValues };
    };
    const restart = tidy(() => {
      const rule = momentumRule(search, 20);
      let own = [...rule.begin(standing(0, 0))];
      // Whether the last checkpoint halved: at first it counts as if it had.
      if (before !== undefined) own[3] = tensor1d([Number(before)], 'bool');
      let ruling: Ruling = { own };
      for (let step = 1; step <= 4; step++) {
        const up = step <= rises;
        ruling = rule.learn(standing(0, 0), standing(up ? 1 : -1, improves ? 1 : 0), own, step);
        own = [...ruling.own];
        if (step < 4) expect(ruling.restart).toBeUndefined();
      }
      return [ruling.restart!, own[4]!];
    });
    const [mask, length] = [await numbersOf(restart[0]!), await numbersOf(restart[1]!)];
    dispose(restart);
    expect(length).toEqual([mask[0] ? 1 : 2]);
    return mask.map(Boolean);
  };

  it('halves exactly where at most 0.75 of the window rose', async () => {
    for (const [rises, expected] of [[0, true], [2, true], [3, true], [4, false]] as const) expect(await halves(rises, { improves: true })).toEqual([expected]);
  });

  it('halves where the best did not move and the step was not halved before, and only there', async () => {
    expect(await halves(4, { improves: false, before: false })).toEqual([true]);
    expect(await halves(4, { improves: false, before: true })).toEqual([false]);
    expect(await halves(4, { improves: true, before: false })).toEqual([false]);
  });
});

const WIDE = [-5, 5] as const;
const WEIGHTS = [[3, -4, 1, -0.5], [0.2, 1, -2, 0.4], [-1, 0.3, 0.5, 1], [0.1, 0.1, 0.1, -1]];
const INPUT = [0.5, -0.4, 0.6, 0.5];

describe('on a linear model', () => {
  const attacks = [['apgd-ce', apgdCe()], ['apgd-dlr', apgdDlr()], ['apgd-t', apgdT()]] as const;

  it('the first step goes to the vertex x + eps sign(g), as it is twice the budget long', async () => {
    const model = binaryLinearModel([3, -4, 1, -0.5], 0.3, WIDE);
    const [inputs, labels] = [tensor2d([INPUT]), tensor1d([1], 'int32')];
    for (const eps of [0.01, 0.5]) {
      const [, first] = await iterates(apgdCe({ steps: 5 }), { model, inputs, labels, ids: [0], threat: linf(eps) });
      await expectClose(first!, INPUT.map((value, i) => value - eps * Math.sign([3, -4, 1, -0.5][i]!)), { relative: 1e-6 });
    }
    dispose([inputs, labels]);
    model.dispose();
  });

  it.each(['Linf', 'L2'] as const)('a label flips if and only if eps exceeds the %s distance', async (norm) => {
    const model = linearModel({ weights: WEIGHTS, bounds: WIDE });
    const radius = model.distance(INPUT, 0, norm);
    const [inputs, labels] = [tensor2d([INPUT]), tensor1d([0], 'int32')];
    const make = { Linf: linf, L2: l2 }[norm];
    const flips = async (attack: Attack, share: number): Promise<readonly boolean[]> => {
      const { adversarial, success } = await runAttack(attack, { model, inputs, labels, ids: [0], threat: make(radius * share), random: randomStream(1) });
      adversarial.dispose();
      return success;
    };
    for (const [, attack] of attacks) {
      expect(await flips(attack, 0.999)).toEqual([false]);
      // Untargeted ones may climb towards a class that is not the nearest; there the targeted one has the last word.
      expect(await flips(attack, attack.id === 'apgd-t' ? 1.001 : 1.02)).toEqual([true]);
    }
    dispose([inputs, labels]);
    model.dispose();
  });

  it('under L1 ends on the two largest weights in equal parts, as the published schedule does: two values never become one', async () => {
    // With k values changed, the next steps move ceil(k / 1.5) of them: 3 becomes 2, and 2 stays 2. So the margin falls by
    // eps (4 + 3) / 2, where a single value would take it down by 4 eps.
    const model = binaryLinearModel([3, -4, 1, -0.5], 0.3, WIDE);
    const [inputs, labels] = [tensor2d([INPUT]), tensor1d([1], 'int32')];
    const radius = model.logits(INPUT)[1]! / 3.5;
    for (const attack of [apgdCe(), apgdDlr(), apgdT(), apgdCe({ wideStart: true })]) {
      const flips = async (eps: number): Promise<readonly boolean[]> => {
        const { adversarial, success } = await runAttack(attack, { model, inputs, labels, ids: [0], threat: l1(eps), random: randomStream(1) });
        adversarial.dispose();
        return success;
      };
      expect(await flips(radius * 1.001)).toEqual([true]);
      expect(await flips(model.distance(INPUT, 1, 'L1') * 0.999)).toEqual([false]);
    }
    dispose([inputs, labels]);
    model.dispose();
  });

  it('in the box, spends what the box leaves: the best corner within the ball, found by trying all', async () => {
    const model = binaryLinearModel([3, -4, 1, -0.5], 0.3, [0, 1]);
    const clean = [0.1, 0.9, 0.5, 0.95];
    const [inputs, labels] = [tensor2d([clean]), tensor1d([1], 'int32')];
    const seen = await iterates(apgdCe({ steps: 20 }), { model, inputs, labels, ids: [0], threat: linf(0.3) });
    const corners = Array.from({ length: 16 }, (_, bits) => clean.map((value, i) => Math.min(1, Math.max(0, value + ((bits >> i) & 1 ? 0.3 : -0.3)))));
    const margin = (x: number[]): number => x.reduce((all, value, i) => all + value * [3, -4, 1, -0.5][i]!, 0.3);
    const lowest = corners.reduce((best, x) => (margin(x) < margin(best) ? x : best));
    await expectClose(seen.at(-1)!, lowest, { relative: 1e-6 });
    dispose([inputs, labels]);
    model.dispose();
  });
});

describe('projection onto the L1 ball and the box at once', () => {
  const box = { low: 0, high: 1 };
  const projected = (moves: number[], clean: number[], eps: number): number[] => {
    const result = Float64Array.from(moves);
    projectOntoL1Box(result, clean, eps, box);
    return [...result];
  };
  const length = (moves: number[]): number => moves.reduce((all, value) => all + Math.abs(value), 0);

  /** Onto the ball alone, after Duchi et al.: by sorting, which the code under test does not do. */
  const ontoBall = (y: number[], eps: number): number[] => {
    if (length(y) <= eps) return y;
    const sorted = y.map(Math.abs).sort((a, b) => b - a);
    let [total, threshold] = [0, 0];
    sorted.forEach((value, k) => {
      total += value;
      if (value > (total - eps) / (k + 1)) threshold = (total - eps) / (k + 1);
    });
    return y.map((value) => Math.sign(value) * Math.max(Math.abs(value) - threshold, 0));
  };

  /** Onto both by Dykstra's alternating projections, which converge to the nearest point of an intersection. */
  const dykstra = (y: number[], clean: number[], eps: number): number[] => {
    let [x, p, q] = [y, y.map(() => 0), y.map(() => 0)];
    for (let round = 0; round < 20_000; round++) {
      const onBall = ontoBall(x.map((value, i) => value + p[i]!), eps);
      p = p.map((value, i) => x[i]! + value - onBall[i]!);
      const inBox = onBall.map((value, i) => Math.min(1 - clean[i]!, Math.max(-clean[i]!, value + q[i]!)));
      q = q.map((value, i) => onBall[i]! + value - inBox[i]!);
      x = inBox;
    }
    return x;
  };

  it('is the nearest point of both sets, on random cases', async () => {
    const random = randomStream(5);
    for (let trial = 0; trial < 40; trial++) {
      const draw = random.split(trial);
      const size = 2 + (trial % 7);
      // Some values lie at the edge of the box.
      const clean = Array.from(draw.split('clean').uniform(size), (u) => Math.min(1, Math.max(0, 1.3 * u - 0.15)));
      const moves = Array.from(draw.split('moves').normal(size));
      const eps = 0.05 + 1.5 * draw.split('eps').uniform(1)[0]!;
      const result = projected(moves, clean, eps);
      expect(length(result)).toBeLessThanOrEqual(eps * (1 + 1e-9));
      expect(result.every((value, i) => clean[i]! + value >= -1e-12 && clean[i]! + value <= 1 + 1e-12)).toBe(true);
      await expectClose(result, dykstra(moves, clean, eps), { relative: 1e-5, absolute: 1e-6 });
      await expectClose(projected(result, clean, eps), result, { relative: 1e-9 });
    }
  });

  it('is not one projection after the other: (0.9, 0.5) moved by (1, 1) in a ball of 0.5 goes to (0.1, 0.4)', async () => {
    // Box room (0.1, 0.5): threshold 0.6 leaves min(0.4, 0.1) + 0.4 = 0.5. Ball first would leave (0.1, 0.25).
    await expectClose(projected([1, 1], [0.9, 0.5], 0.5), [0.1, 0.4], { relative: 1e-9 });
  });

  it('leaves what lies in both as it is, and with no budget nothing', () => {
    expect(projected([0.1, -0.2, 0], [0.5, 0.5, 0], 0.5)).toEqual([0.1, -0.2, -0]);
    expect(projected([0.3, -2], [0.5, 0.5], 0).map(Math.abs)).toEqual([0, 0]);
  });
});

describe('a sparse step', () => {
  it('moves the share of the values with the largest gradients, each by as much', async () => {
    // Rank floor(0.5 * 4) = 2 of the magnitudes (1, 2, 3, 4) is 3: two values move, by 0.2 / 2 each.
    const step = sparseStep({
      x: Float32Array.of(0.5, 0.5, 0.5, 0.5), slopes: Float32Array.of(-3, 1, 4, -2), clean: Float32Array.of(0.5, 0.5, 0.5, 0.5),
      length: 0.2, share: 0.5, eps: 1, box: { low: 0, high: 1 },
    });
    await expectClose(step, [0.4, 0.5, 0.6, 0.5], { relative: 1e-6 });
  });

  it('stands still without a gradient', () => {
    const x = Float32Array.of(0.25, 0.75);
    expect([...sparseStep({ x, slopes: new Float32Array(2), clean: x, length: 1, share: 0.2, eps: 1, box: { low: 0, high: 1 } })]).toEqual([...x]);
  });
});

describe('averaged gradients', () => {
  const run = async (model: Model, eot: number, steps = 6) => {
    const batch = tinyBatch(model, { count: 8 });
    const result = await runAttack(apgdCe({ steps, eot }), { model, ...batch, threat: linf(0.02), random: randomStream(2) });
    const adversarial = await numbersOf(result.adversarial);
    result.adversarial.dispose();
    batch.dispose();
    return { ...result, adversarial };
  };

  it('of a model that draws nothing are its gradients, at twice the calls', async () => {
    const model = tinyCnn();
    const [one, two] = [await run(model, 1), await run(model, 2)];
    await expectSameBits(two.adversarial, one.adversarial);
    expect([...two.gradientCalls]).toEqual([...one.gradientCalls].map((count) => 2 * count));
    model.dispose();
  });

  it('find through noise the direction that a single draw misses', async () => {
    // Logits (0, w.x + n.x) with |n| ten times |w|: the sign of one draw's gradient is the noise's, that of the mean of 400 mostly is not.
    const [size, weight] = [40, 1];
    const noisy: Model = {
      inputShape: [size], bounds: [-5, 5], branches: [MAIN], parameters: [], buffers: [],
      forward: (inputs, { random }) => tidy(() => {
        const noise = random === undefined ? 0 : mul(random.normal(size), 10);
        const score = sum(mul(inputs, add(weight, noise)), 1, true);
        return mul(score, [0, 1]);
      }),
      dispose: () => {},
    };
    const [inputs, labels] = [tensor2d([Array<number>(size).fill(1)]), tensor1d([1], 'int32')];
    // After as many looks at the start comes the first step; the sign of the true gradient takes every value down.
    const right = async (eot: number): Promise<number> => {
      const seen = await iterates(apgdDlr({ steps: 1, eot }), { model: noisy, inputs, labels, ids: [0], threat: linf(0.1) });
      return seen[eot]!.filter((value) => value < 1 - 0.09).length / size;
    };
    expect(await right(400)).toBeGreaterThan(0.9);
    expect(await right(1)).toBeLessThan(0.75);
    const clean = noisy.forward(inputs, evaluation());
    await expectClose(clean, [0, size]);
    dispose([inputs, labels, clean]);
  });
});
