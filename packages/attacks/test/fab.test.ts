// Oracles: projections by trying every set of values that reach the edge of the box; on linear models the distance to the
// boundary in closed form, with the box by the same enumeration; FAB's sequence of distances in one dimension.
import { type Attack, type AttackProblem, l1, l2, linf, type Model, randomStream, runAttack, threatModel } from '@robustjs/core';
import { binaryLinearModel, expectClose, expectSameBits, linearModel, numbersOf, quadraticModel, tinyBatch, tinyCnn, useWasm } from '@robustjs/testkit';
import { dispose, tensor1d, tensor2d, zeros } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { displacementToPlane } from '../src/fab/project.ts';
import { fab, fabT } from '../src/index.ts';

useWasm();

const NORMS = ['Linf', 'L2', 'L1'] as const;
type NormName = (typeof NORMS)[number];

const lengthOf = (d: readonly number[], norm: NormName): number =>
  norm === 'Linf' ? Math.max(...d.map(Math.abs)) : norm === 'L2' ? Math.hypot(...d) : d.reduce((sum, v) => sum + Math.abs(v), 0);

/**
 * The shortest way onto a plane inside the box, by brute force: for each set of values that use their room up, the best that
 * the others can do is known without a box; the shortest of what fits is the answer.
 */
function shortest(norm: NormName, t: readonly number[], w: readonly number[], c: number, [low, high]: readonly [number, number]): number[] {
  const side = c < 0 ? -1 : 1;
  const towards = w.map((v) => -Math.sign(v) * side);
  const a = w.map(Math.abs);
  const room = t.map((v, i) => (towards[i]! > 0 ? high - v : towards[i]! < 0 ? v - low : 0));
  const all = t.map((_, i) => i);
  let best = room;
  for (let set = 0; set < 2 ** t.length; set++) {
    const used = (i: number): boolean => (set >> i) % 2 === 1;
    const left = Math.abs(c) - all.filter(used).reduce((sum, i) => sum + a[i]! * room[i]!, 0);
    const free = all.filter((i) => !used(i) && a[i]! > 0);
    // Linf: all others travel alike; L2: in proportion to their weights; L1: one of them goes the rest of the way.
    const ways = norm === 'L1' ? free.map((i) => [i]) : [free];
    for (const way of ways) {
      const speed = (i: number): number => (norm === 'L2' ? a[i]! : 1);
      const gain = way.reduce((sum, i) => sum + a[i]! * speed(i), 0);
      const level = gain === 0 ? 0 : left / gain;
      const travelled = all.map((i) => (used(i) ? room[i]! : way.includes(i) ? level * speed(i) : 0));
      const reaches = Math.abs(travelled.reduce((sum, v, i) => sum + v * a[i]!, 0) - Math.abs(c)) < 1e-9;
      const fits = travelled.every((v, i) => v >= -1e-12 && v <= room[i]! + 1e-12);
      if (reaches && fits && (best === room || lengthOf(travelled, norm) < lengthOf(best, norm))) best = travelled;
    }
  }
  return best.map((v, i) => v * towards[i]!);
}

/** Points, some of them on the edge of the box, planes and how far away they are as a share of what the box allows. */
function instances(count: number, d: number, [low, high]: readonly [number, number]) {
  const random = randomStream(5);
  return Array.from({ length: count }, (_, i) => {
    const draws = [...random.split(i).uniform(2 * d + 2)];
    const t = draws.slice(0, d).map((u) => low + (high - low) * Math.min(1, Math.max(0, 1.4 * u - 0.2)));
    const w = draws.slice(d, 2 * d).map((u, k) => (i % 5 === 0 && k === 0 ? 0 : 4 * u - 2));
    const side = i % 2 === 0 ? 1 : -1;
    const most = w.reduce((sum, v, k) => sum + Math.abs(v) * (v * side > 0 ? t[k]! - low : high - t[k]!), 0);
    return { t, w, c: side * most * draws[2 * d]! };
  });
}

async function displaced(norm: NormName, t: number[][], w: number[][], c: number[], bounds: readonly [number, number] = [0, 1]): Promise<number[][]> {
  const tensors = [tensor2d(t), tensor2d(w), tensor1d(c)] as const;
  const result = displacementToPlane(norm, ...tensors, bounds);
  const values = await numbersOf(result);
  dispose([...tensors, result]);
  return t.map((row, i) => values.slice(i * row.length, (i + 1) * row.length));
}

describe.each(NORMS)('the shortest displacement onto a plane in the box, %s', (norm) => {
  it.each([[[0, 1]], [[-3, 2]]] as const)('is the one that brute force finds, in bounds %j', async (bounds) => {
    const cases = instances(60, 6, bounds);
    const found = await displaced(norm, cases.map(({ t }) => t), cases.map(({ w }) => w), cases.map(({ c }) => c), bounds);
    for (const [i, { t, w, c }] of cases.entries()) {
      const best = shortest(norm, t, w, c, bounds);
      expect(lengthOf(found[i]!, norm)).toBeCloseTo(lengthOf(best, norm), 4);
      const reached = c + found[i]!.reduce((sum, d, k) => sum + d * w[k]!, 0);
      expect(Math.abs(reached)).toBeLessThan(2e-5);
      expect(found[i]!.every((d, k) => t[k]! + d >= bounds[0] - 1e-6 && t[k]! + d <= bounds[1] + 1e-6)).toBe(true);
    }
  });

  it('goes into the corner where the plane lies beyond the box, and nowhere without a normal', async () => {
    const [corner, still] = await displaced(norm, [[0.2, 0.9, 0.5], [0.2, 0.9, 0.5]], [[1, -2, 0], [0, 0, 0]], [50, 1]);
    await expectClose(corner!, [-0.2, 0.1, 0], { absolute: 1e-6 });
    expect(still!.map(Math.abs)).toEqual([0, 0, 0]);
  });

  it('does not feel the scale of the plane', async () => {
    const { t, w, c } = instances(4, 6, [0, 1])[1]!;
    const [plain] = await displaced(norm, [t], [w], [c]);
    for (const scale of [2 ** -100, 2 ** 60]) await expectClose((await displaced(norm, [t], [w.map((v) => v * scale)], [c * scale]))[0]!, plain!, { relative: 1e-5 });
  });

  it('holds for inputs of thousands of values: the plane is reached, and what moves moves as the norm has it', async () => {
    const [{ t, w, c }] = instances(1, 3000, [0, 1]) as [{ t: number[]; w: number[]; c: number }];
    for (const share of [0.02, 0.5, 0.97]) {
      const most = c / [...randomStream(5).split(0).uniform(6002)][6000]!;
      const [d] = await displaced(norm, [t], [w], [most * share]) as [number[]];
      expect(Math.abs(most * share + d.reduce((sum, v, k) => sum + v * w[k]!, 0)) / most).toBeLessThan(1e-4);
      const room = t.map((v, k) => (w[k]! > 0 ? v : 1 - v));
      const free = d.map((v, k) => [Math.abs(v), Math.abs(w[k]!), room[k]!] as const).filter(([v, a, r]) => a > 0 && v < r - 1e-5);
      // Optimality: free values travel alike (Linf) or by their weights (L2); under L1 those that still have room have the smallest weights.
      const speeds = free.map(([v, a]) => (norm === 'L2' ? v / a : v));
      if (norm !== 'L1') expect(Math.max(...speeds) - Math.min(...speeds)).toBeLessThan(1e-4 * Math.max(...speeds) + 1e-5);
      else {
        const smallestMoved = Math.min(...d.map((v, k) => (Math.abs(v) > 1e-6 ? Math.abs(w[k]!) : Infinity)));
        expect(Math.max(...free.map(([, a]) => a))).toBeLessThanOrEqual(smallestMoved + 1e-5);
      }
    }
  });
});

async function attacked(attack: Attack, model: Model, inputs: number[][], labels: number[], more: Partial<AttackProblem> = {}) {
  const [x, y] = [tensor2d(inputs), tensor1d(labels, 'int32')];
  const result = await runAttack(attack, { model, inputs: x, labels: y, ids: labels.map((_, i) => i), threat: linf(Infinity), random: randomStream(0), ...more });
  const adversarial = await numbersOf(result.adversarial);
  dispose([x, y, result.adversarial]);
  return { ...result, adversarial };
}

const both = [['fab', fab], ['fab-t', fabT]] as const;

/**
 * Distances that FAB tries on one linear boundary at distance 1, with no box in the way: from u both projections lie on one
 * line, at 1.05 of the way; a success at u goes on from 0.9 u.
 */
function distancesTried(steps: number): number[] {
  let at = 0;
  return Array.from({ length: steps }, () => {
    const [near, far] = [Math.max(Math.abs(1 - at), 1e-8), 1];
    const alpha = Math.min(near / (near + far), 0.1);
    const moved = (1 - alpha) * (at + 1.05 * (1 - at)) + alpha * 1.05;
    at = moved > 1 ? 0.9 * moved : moved;
    return moved;
  });
}

describe.each(both)('%s on linear models', (_name, create) => {
  const weights = [[3, -4, 1, -0.5], [0, 0, 0, 0], [-1, 1, 2, 0.5]];
  const inputs = [[0.5, 0.4, 0.6, 0.5], [0.1, 0.2, 0.9, 0.7]];

  it.each(NORMS)('tries the distances of the algorithm in one dimension, %s', async (norm) => {
    const model = binaryLinearModel([3, -4], -1, [-5, 5]);
    const radius = model.distance([0.5, 0.1], 1, norm);
    for (const steps of [1, 2, 5, 40]) {
      const { distances, success } = await attacked(create({ steps }), model, [[0.5, 0.1]], [1], { threat: threatModel(norm, Infinity) });
      expect(success).toEqual([true]);
      const nearest = Math.min(...distancesTried(steps).filter((d) => d > 1));
      expect(distances[0]! / radius).toBeCloseTo(nearest, 4);
    }
    model.dispose();
  });

  it.each(NORMS)('ends within 1 % of the nearest of several boundaries, %s', async (norm) => {
    const model = linearModel({ weights, bias: [0.4, 0.3, 0], bounds: [-5, 5] });
    const labels = inputs.map((x) => model.logits(x).indexOf(Math.max(...model.logits(x))));
    const { distances } = await attacked(create({ steps: 60 }), model, inputs, labels, { threat: threatModel(norm, Infinity) });
    for (const [i, x] of inputs.entries()) {
      const ratio = distances[i]! / model.distance(x, labels[i]!, norm);
      expect(ratio).toBeGreaterThan(1);
      expect(ratio).toBeLessThan(1.01);
    }
    model.dispose();
  });

  it.each(NORMS)('ends within 1 % of the nearest in the box, %s', async (norm) => {
    // Values at the edges of the box: the way that is shortest without it is barred. The boundary is the plane w.x + b = 0.
    const [w, b, x] = [[3, -4, 1, -0.5, 2], -5.5, [1, 0, 0.3, 0.9, 0.95]];
    const model = binaryLinearModel(w, b, [0, 1]);
    const gap = w.reduce((sum, v, i) => sum + v * x[i]!, b);
    const boxed = lengthOf(shortest(norm, x, w, gap, [0, 1]), norm);
    const label = gap > 0 ? 1 : 0;
    expect(boxed).toBeGreaterThan(1.05 * model.distance(x, label, norm));
    const { distances, adversarial } = await attacked(create({ steps: 100 }), model, [x], [label], { threat: threatModel(norm, Infinity) });
    expect(distances[0]! / boxed).toBeGreaterThan(0.9999);
    expect(distances[0]! / boxed).toBeLessThan(1.01);
    expect(adversarial.every((v) => v >= 0 && v <= 1)).toBe(true);
    model.dispose();
  });

  it.each([['Linf', linf], ['L2', l2], ['L1', l1]] as const)('breaks a row inside a budget if and only if it exceeds the distance, %s', async (norm, threat) => {
    const model = linearModel({ weights, bias: [0.4, 0.3, 0], bounds: [-5, 5] });
    const label = model.logits(inputs[0]!).indexOf(Math.max(...model.logits(inputs[0]!)));
    const radius = model.distance(inputs[0]!, label, norm);
    for (const [share, broken] of [[0.999, false], [1.01, true]] as const) {
      const { success, gradientCalls } = await attacked(create({ steps: 60 }), model, [inputs[0]!], [label], { threat: threat(radius * share) });
      expect(success).toEqual([broken]);
      // Once inside, the row leaves.
      if (broken) expect(gradientCalls[0]).toBeLessThan(60);
    }
    model.dispose();
  });

  it('reaches the target asked for, at its distance, on a third class\'s ground too', async () => {
    const model = linearModel({ weights: [[0, 0], [1, 1], [1, -1]], bias: [0, -0.2, -0.6], bounds: [-5, 5] });
    for (const [target, distance] of [[1, 0.1], [2, 0.3]] as const) {
      const targets = tensor1d([target], 'int32');
      const { distances, success } = await attacked(create({ steps: 100 }), model, [[0, 0]], [0], { targets });
      expect(success).toEqual([true]);
      expect(distances[0]!).toBeGreaterThanOrEqual(distance);
      // Class 2 is 0.3 away along (1, -1), where class 1 stays behind.
      expect(distances[0]!).toBeLessThan(1.02 * distance);
      targets.dispose();
    }
    model.dispose();
  });
});

describe('FAB', () => {
  it('keeps the clean input where its class is wrong already, at distance 0', async () => {
    const model = binaryLinearModel([3, -4], -1);
    const { distances, success } = await attacked(fab({ steps: 3 }), model, [[0.5, 0.1]], [0]);
    expect([success[0], distances[0]]).toEqual([true, 0]);
    model.dispose();
  });

  it('is FAB-T where there are two classes, to the bit', async () => {
    const model = tinyCnn({ classes: 2 });
    const batch = tinyBatch(model, { classes: 2 });
    const run = (attack: Attack) => runAttack({ ...attack, id: 'same' }, { model, ...batch, threat: l2(Infinity), random: randomStream(0) });
    const [one, other] = [await run(fab({ steps: 8 })), await run(fabT({ steps: 8 }))];
    await expectSameBits(one.adversarial, other.adversarial);
    expect(one.gradientCalls).toEqual(other.gradientCalls);
    dispose([one.adversarial, other.adversarial]);
    batch.dispose();
    model.dispose();
  });

  it('takes a gradient for each class but the label\'s, FAB-T for as many as it goes for', async () => {
    const model = tinyCnn();
    const batch = tinyBatch(model);
    for (const [attack, gradients] of [[fab({ steps: 3, restarts: 2 }), 12], [fabT({ steps: 3, targets: 1 }), 3], [fabT({ steps: 3 }), 6]] as const) {
      const { gradientCalls, adversarial } = await runAttack(attack, { model, ...batch, threat: l2(Infinity), random: randomStream(0) });
      expect([...gradientCalls]).toEqual(Array(6).fill(gradients));
      adversarial.dispose();
    }
    batch.dispose();
    model.dispose();
  });

  it('needs a restart where the clean input has no slope', async () => {
    // 0.5 from the origin to the boundary, where the first run stands still.
    const model = quadraticModel(4, 0.5);
    const inputs = zeros([2, 4]);
    const labels = tensor1d([0, 0], 'int32');
    const found = async (restarts: number): Promise<Float32Array> => {
      const { distances, success, adversarial } = await runAttack(fab({ steps: 40, restarts }), { model, inputs, labels, ids: [3, 4], threat: l2(Infinity), random: randomStream(0) });
      adversarial.dispose();
      return distances.map((d, i) => (success[i] ? d : Infinity));
    };
    expect([...(await found(1))]).toEqual([Infinity, Infinity]);
    for (const d of await found(2)) expect(d).toBeGreaterThanOrEqual(0.5);
    for (const d of await found(2)) expect(d).toBeLessThan(0.52);
    dispose([inputs, labels]);
  });

  it.each([{ steps: 0 }, { restarts: 0 }, { eta: -1 }, { beta: 1 }, { alphaMax: 0 }, { targets: 3 }])('refuses %j', (options) => {
    expect(() => fab(options)).toThrow(expect.objectContaining({ code: 'RJS_ATTACK_OPTION' }));
  });
});
