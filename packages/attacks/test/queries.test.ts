// Attacks by row are plain arithmetic: where the oracle is a linear function in plain numbers, thousands of queries take no time.
import { type Attack, l2, linf, type Model, modelOf, type Objective, randomStream, runAttack, type ThreatModel } from '@robustjs/core';
import { binaryLinearModel, expectClose, linearModel, numbersOf, tinyBatch, tinyCnn, useWasm } from '@robustjs/testkit';
import { dispose, div, mul, round, slice, sum, type Tensor1D, tensor1d, tensor2d, tidy, zeros } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { boundary, hopSkipJump, nes, pgd, simba, spsa } from '../src/index.ts';
import { walk } from '../src/queries/boundary.ts';
import type { Answer, Row } from '../src/queries/by-row.ts';
import { estimatedGradient } from '../src/queries/estimate.ts';
import { frequencyOrder, frequencyVector } from '../src/queries/frequencies.ts';
import { boundaryNormal, hops, toBoundary } from '../src/queries/hop-skip-jump.ts';
import { adversarialStart } from '../src/queries/start.ts';
import { between, distanceOf, dot, inCube, lengthOf } from '../src/queries/vectors.ts';

useWasm();

const D = 50;
const weights = Float32Array.from(randomStream(5).normal(D));
const clean = Float32Array.from(randomStream(6).uniform(D), (u) => 0.3 + 0.4 * u);
const margin = 0.3 * lengthOf(weights);
/** Adversarial on the far side of a plane at L2 distance 0.3, Linf distance 0.3 ||w||_2 / ||w||_1. */
const beyondPlane = (x: Float32Array): boolean => dot(weights, x) - dot(weights, clean) > margin;

const rowOf = (x = clean, seed = 0): Row => ({ clean: x, shape: [x.length], id: 3, bounds: [0, 1], random: randomStream(seed), best: x });

/** Answers a row's questions from plain numbers, and tells what was asked. */
function answered(questions: Generator<Float32Array, unknown, Answer>, adversarial: (x: Float32Array) => boolean, queries = Infinity): { asked: number; result: unknown } {
  let next = questions.next();
  let asked = 0;
  for (; !next.done && asked < queries; asked++) next = questions.next({ adversarial: adversarial(next.value), value: 0 });
  return { asked, result: next.done ? next.value : undefined };
}

describe('HopSkipJump on a plane', () => {
  it.each(['L2', 'Linf'] as const)('comes within 5 % of the %s distance in 20000 queries, in 50 dimensions', (norm) => {
    const distance = norm === 'L2' ? 0.3 : (0.3 * lengthOf(weights)) / weights.reduce((total, w) => total + Math.abs(w), 0);
    for (const seed of [0, 1, 2]) {
      const row = rowOf(clean, seed);
      answered(hops(row, norm, 100, undefined), beyondPlane, 20000);
      expect(beyondPlane(row.best)).toBe(true);
      expect(distanceOf(row.best, clean, norm) / distance).toBeGreaterThan(0.999);
      expect(distanceOf(row.best, clean, norm) / distance).toBeLessThan(1.05);
    }
  });

  it('estimates the normal: the cosine grows with probes as sqrt(2n / pi d), above 0.9 for 1000', () => {
    const start = clean.map((value, i) => value + (margin * weights[i]!) / lengthOf(weights) ** 2);
    const cosine = (count: number): number => {
      const { result } = answered(boundaryNormal(rowOf(), start, { radius: 0.01, count, hop: 0, norm: 'L2' }), beyondPlane);
      return dot(result as Float32Array, weights) / lengthOf(weights);
    };
    expect(cosine(1000)).toBeGreaterThan(0.9);
    const expected = Math.sqrt((2 * 100) / (Math.PI * D)) / Math.sqrt(1 + (2 * 100) / (Math.PI * D));
    expect(Math.abs(cosine(100) - expected)).toBeLessThan(0.1);
    // Deep on either side all probes agree, and the estimate is their mean or its negative: of length 1, and opposite.
    const [inside, outside] = [false, true].map((side) => answered(boundaryNormal(rowOf(), start, { radius: 0.01, count: 5, hop: 0, norm: 'L2' }), () => side).result as Float32Array);
    expect(lengthOf(inside!)).toBeCloseTo(1, 5);
    expect(dot(inside!, outside!)).toBeCloseTo(-1, 5);
  });

  it('keeps the adversarial end of a bisection, on the line and through cubes', () => {
    const far = clean.map((value, i) => (weights[i]! > 0 ? 1 : value));
    for (const norm of ['L2', 'Linf'] as const) {
      const { result, asked } = answered(toBoundary(rowOf(), far, norm), beyondPlane);
      const point = result as Float32Array;
      expect(beyondPlane(point)).toBe(true);
      const reach = norm === 'L2' ? 1 : distanceOf(point, clean, 'Linf');
      const shorter = norm === 'L2' ? between(clean, point, 0.995) : inCube(point, clean, 0.995 * reach);
      expect(beyondPlane(shorter)).toBe(false);
      // theta = 50^-1.5 takes 9 halvings, below the cap of 0.001 that takes 10; 50^-2 takes 12.
      expect(asked).toBe(norm === 'L2' ? 10 : 12);
    }
  });

  it('only ever comes nearer', () => {
    const row = rowOf();
    const path: number[] = [];
    const questions = hops(row, 'L2', 20, undefined);
    let { best } = row;
    let next = questions.next();
    for (let query = 0; query < 3000; query++) {
      next = questions.next({ adversarial: beyondPlane(next.value as Float32Array), value: 0 });
      if (row.best !== best) path.push(distanceOf((best = row.best), clean, 'L2'));
    }
    // The start, its blend, the first bisection, then hops.
    expect(path.length).toBeGreaterThan(8);
    expect(path).toEqual([...path].sort((a, b) => b - a));
  });
});

describe('the boundary attack on a plane', () => {
  it('comes within 5 % of the L2 distance in 20000 queries, in 50 dimensions', () => {
    const row = rowOf();
    answered(walk(row, undefined), beyondPlane, 20000);
    expect(beyondPlane(row.best)).toBe(true);
    expect(distanceOf(row.best, clean, 'L2') / 0.3).toBeGreaterThan(0.999);
    expect(distanceOf(row.best, clean, 'L2') / 0.3).toBeLessThan(1.05);
  });
});

describe('starting points', () => {
  it('are the clean input where it is adversarial, else the given one, else a blend of noise', () => {
    expect(answered(adversarialStart(rowOf(), undefined), () => true)).toEqual({ asked: 1, result: clean });
    const given = clean.map((value, i) => (weights[i]! > 0 ? 1 : value));
    expect(answered(adversarialStart(rowOf(), new Map([[3, given]])), beyondPlane)).toEqual({ asked: 2, result: given });
    // Another example's start is not taken, and a given one that is not adversarial neither.
    for (const starts of [new Map([[4, given]]), new Map([[3, clean.slice()]])]) {
      const { result } = answered(adversarialStart(rowOf(), starts), beyondPlane);
      expect(result).not.toEqual(given);
      expect(beyondPlane(result as Float32Array)).toBe(true);
    }
  });

  it('cost the budget and no more where a model never changes its mind', async () => {
    const model = modelOf((x) => mul(x, 0), { inputShape: [4], differentiable: false });
    const [inputs, labels] = [zeros([2, 4]), tensor1d([0, 0], 'int32')];
    for (const attack of [hopSkipJump({ queries: 70 }), boundary({ queries: 70 }), simba({ queries: 70 })]) {
      const result = await runAttack(attack, { model, inputs, labels, ids: [1, 2], threat: l2(Infinity), random: randomStream(0) });
      expect(result.success).toEqual([false, false]);
      expect([...result.queries]).toEqual([70, 70]);
      result.adversarial.dispose();
    }
    dispose([inputs, labels]);
  });
});

describe('queries', () => {
  /** The model, counting the inputs it is asked about. */
  const counting = (model: Model): { model: Model; count: () => number } => {
    let asked = 0;
    const forward: Model['forward'] = (inputs, pass) => ((asked += inputs.shape[0]), model.forward(inputs, pass));
    return { model: { ...model, forward, differentiable: false }, count: () => asked };
  };

  it.each([
    ['hop-skip-jump', hopSkipJump({ queries: 200, probes: 10 })], ['boundary', boundary({ queries: 150 })], ['simba', simba({ queries: 60 })],
    ['simba-dct', simba({ queries: 60, basis: 'dct' })], ['nes', nes({ queries: 60, samples: 10 })], ['spsa', spsa({ queries: 60, samples: 10 })],
  ])('of %s are counted by row as the model counts them, and do not depend on the batch', async (id, attack) => {
    expect(attack.id).toBe(id);
    const tiny = tinyCnn();
    const batch = tinyBatch(tiny);
    for (const threat of [id === 'spsa' ? linf(0.1) : l2(0.9), ...(['nes', 'spsa'].includes(id) ? []  : [l2(Infinity)])]) {
      const { model, count } = counting(tiny);
      const whole = await runAttack(attack, { model, ...batch, threat, random: randomStream(3) });
      expect(whole.queries.reduce((total, queries) => total + queries, 0)).toBe(count());
      const place = 4;
      const row = { inputs: slice(batch.inputs, [place], [1]), labels: slice(batch.labels, [place], [1]), ids: [batch.ids[place]!] };
      const alone = await runAttack(attack, { model, ...row, threat, random: randomStream(3) });
      expect(alone.queries[0]).toBe(whole.queries[place]);
      expect(alone.distances[0]).toBe(whole.distances[place]);
      dispose([whole.adversarial, alone.adversarial, row.inputs, row.labels]);
    }
    [batch, tiny].forEach((x) => x.dispose());
  });

  it('that are spent return the best so far', async () => {
    const tiny = tinyCnn();
    const batch = tinyBatch(tiny);
    const furthest: number[] = [];
    for (const queries of [80, 400, 2000]) {
      const { distances, success, adversarial } = await runAttack(hopSkipJump({ queries, probes: 20 }), { model: tiny, ...batch, threat: l2(Infinity), random: randomStream(3) });
      expect(success.every(Boolean)).toBe(true);
      furthest.push(Math.max(...distances));
      adversarial.dispose();
    }
    expect(furthest).toEqual([...furthest].sort((a, b) => b - a));
    expect(furthest[2]!).toBeLessThan(furthest[0]!);
    [batch, tiny].forEach((x) => x.dispose());
  });
});

describe('a budget', () => {
  it.each(['L2', 'Linf'] as const)('under %s is broken if and only if it exceeds the distance', async (norm) => {
    const model = binaryLinearModel([3, -4, 1, -0.5], 0.3, [-5, 5]);
    const distance = model.distance([0.5, 0.4, 0.6, 0.5], 1, norm);
    const [inputs, labels] = [tensor2d([[0.5, 0.4, 0.6, 0.5]]), tensor1d([1], 'int32')];
    const broken = async (attack: Attack, eps: number): Promise<boolean> => {
      const threat: ThreatModel = norm === 'L2' ? l2(eps) : linf(eps);
      const { success, adversarial } = await runAttack(attack, { model, inputs, labels, ids: [0], threat, random: randomStream(0) });
      adversarial.dispose();
      return success[0]!;
    };
    const attacks = [hopSkipJump({ queries: 1500 }), nes({ queries: 1000 }), ...(norm === 'Linf' ? [spsa({ queries: 1500, alpha: distance / 4 })] : [])];
    for (const attack of attacks) {
      expect(await broken(attack, distance * 0.99), attack.id).toBe(false);
      expect(await broken(attack, distance * 1.06), attack.id).toBe(true);
    }
    [inputs, labels, model].forEach((x) => x.dispose());
  });
});

describe('targets', () => {
  it('are reached from a given start, at the distance of their region', async () => {
    // From the origin, class 1 wins beyond x + y = 0.2 and class 2 beyond x - y = 0.6 with y <= -0.2 + ...: the nearest point of
    // class 2 is (0.3, -0.3), at 0.3 sqrt(2), where class 1 has -0.2 and class 2 has 0.
    const model = linearModel({ weights: [[0, 0], [1, 1], [1, -1]], bias: [0, -0.2, -0.6], bounds: [-5, 5] });
    const [inputs, labels, targets] = [zeros([1, 2]), tensor1d([0], 'int32'), tensor1d([2], 'int32')];
    const problem = { model, inputs, labels, targets, ids: [7], threat: l2(Infinity), random: randomStream(0) };
    const starts = new Map([[7, Float32Array.of(2, -3)]]);
    for (const attack of [hopSkipJump({ queries: 2000, starts }), boundary({ queries: 4000, starts })]) {
      const { success, distances, adversarial } = await runAttack(attack, problem);
      expect(success).toEqual([true]);
      expect(distances[0]! / Math.hypot(0.3, 0.3)).toBeGreaterThan(0.999);
      expect(distances[0]! / Math.hypot(0.3, 0.3)).toBeLessThan(1.05);
      adversarial.dispose();
    }
    await expect(runAttack(hopSkipJump({ starts: new Map([[7, new Float32Array(3)]]) }), problem)).rejects.toThrow(expect.objectContaining({ code: 'RJS_ATTACK_OPTION' }));
    [inputs, labels, targets, model].forEach((x) => x.dispose());
  });

  it('records starts by number and checksum', () => {
    const config = (x: number): unknown => hopSkipJump({ starts: new Map([[7, Float32Array.of(x)]]) }).config['starts'];
    expect(config(1)).toMatch(/^1 given, [0-9a-f]{8}$/);
    expect(config(1)).not.toBe(config(2));
    expect(hopSkipJump().config['starts']).toBe('noise');
  });
});

describe('SimBA', () => {
  it('is algorithm 1 in a plain loop: label 1 of a linear model, every step against the sign of its weight', async () => {
    const model = binaryLinearModel([...weights], -dot(weights, clean) + margin);
    const [inputs, labels] = [tensor2d([[...clean]]), tensor1d([1], 'int32')];
    const result = await runAttack(simba({ alpha: 0.1, queries: 100 }), { model, inputs, labels, ids: [9], threat: l2(Infinity), random: randomStream(2) });
    const order = randomStream(2).split('simba').split('row', 9).split('order', 0).permutation(D);
    const x = clean.slice();
    let accepted = 0;
    for (const place of order) {
      if (dot(weights, x) - dot(weights, clean) + margin <= 0) break;
      x[place] = Math.min(1, Math.max(0, x[place]! - 0.1 * Math.sign(weights[place]!)));
      accepted += 1;
    }
    expect(result.success).toEqual([true]);
    await expectClose(result.adversarial, [...x], { absolute: 1e-6 });
    expect(result.distances[0]!).toBeLessThanOrEqual(0.1 * Math.sqrt(accepted) + 1e-6);
    [result.adversarial, inputs, labels, model].forEach((t) => t.dispose());
  });

  it('moves along orthonormal cosines, low frequencies first, all of them once', () => {
    const shape = [4, 5, 2];
    const order = frequencyOrder(shape, 2, randomStream(0));
    expect(new Set(order.map((place) => JSON.stringify(place))).size).toBe(40);
    expect(order.slice(0, 8).every(({ down, across }) => down < 2 && across < 2)).toBe(true);
    const vectors = order.map((place) => frequencyVector(shape, place));
    vectors.forEach((a, i) => vectors.forEach((b, j) => expect(dot(a, b)).toBeCloseTo(i === j ? 1 : 0, 5)));
    // The lowest is flat: 1 / sqrt(20) in its own channel.
    const flat = frequencyVector(shape, { frame: 0, channel: 1, down: 0, across: 0 });
    expect([...flat].every((value, i) => Math.abs(value - (i % 2 === 1 ? 1 / Math.sqrt(20) : 0)) < 1e-6)).toBe(true);
  });

  it('ends where a budget leaves it nothing to try', async () => {
    const model = binaryLinearModel([1, -1], 5);
    const [inputs, labels] = [tensor2d([[0.5, 0.5]]), tensor1d([1], 'int32')];
    for (const threat of [linf(0.1), l2(0.15)]) {
      const { success, adversarial, queries } = await runAttack(simba({ queries: 40 }), { model, inputs, labels, ids: [0], threat, random: randomStream(0) });
      expect(success).toEqual([false]);
      expect(queries[0]).toBe(40);
      if (threat.norm === 'Linf') await expectClose(adversarial, [0.4, 0.6], { absolute: 1e-6 });
      adversarial.dispose();
    }
    [inputs, labels, model].forEach((x) => x.dispose());
  });
});

describe('gradients estimated from scores', () => {
  /** Runs work inside a search on a linear objective w.x of inputs that are their own outputs. */
  async function inSearch(slopes: number[], work: (search: Parameters<Attack['search']>[0]) => Promise<void>): Promise<void> {
    const model = modelOf((x) => x.clone(), { inputShape: [slopes.length], bounds: [-10, 10] });
    const objective: Objective = (x) => tidy(() => sum<Tensor1D>(mul(x, slopes), 1));
    const [inputs, labels] = [zeros([1, slopes.length]), tensor1d([0], 'int32')];
    const attack: Attack = { id: 'test', config: {}, objective, search: work };
    const { adversarial } = await runAttack(attack, { model, inputs, labels, ids: [0], threat: linf(1), random: randomStream(0) });
    dispose([adversarial, inputs, labels]);
  }

  it('are (w.u) u for one pair, their mean for several, and nothing where the objective is flat', async () => {
    const directions = [[1, -1, 1], [0.5, 2, -1]];
    const draw = (pair: number) => tensor2d([directions[pair]!]);
    await inSearch([3, -1, 2], async (search) => {
      const estimate = estimatedGradient(search, search.clean, 2, 0.25, draw);
      // w.u is 6 and -2.5.
      await expectClose(estimate, [(6 - 1.25) / 2, (-6 - 5) / 2, (6 + 2.5) / 2], { absolute: 1e-5 });
      estimate.dispose();
    });
    await inSearch([0, 0, 0], async (search) => {
      const estimate = estimatedGradient(search, search.clean, 2, 0.25, draw);
      expect(await numbersOf(estimate)).toEqual([0, 0, 0]);
      estimate.dispose();
    });
  });

  it('are the gradient on average, for normal directions and for random signs', async () => {
    await inSearch([3, -1, 2], async (search) => {
      const normal = estimatedGradient(search, search.clean, 1500, 0.01, (pair) => search.random.split('n', pair).normalRows(search.ids, [3]));
      const signs = estimatedGradient(search, search.clean, 1500, 0.01, (pair) =>
        tensor2d([search.random.split('s', pair).uniform(3).map((u) => (u < 0.5 ? -1 : 1))].map((row) => [...row])));
      // The standard error of a mean of 1500 is about 0.15.
      await expectClose(normal, [3, -1, 2], { absolute: 0.5 });
      await expectClose(signs, [3, -1, 2], { absolute: 0.5 });
      dispose([normal, signs]);
    });
  });
});

describe('a model that masks its gradient by rounding its input', () => {
  it('stops PGD and not those who only ask', async () => {
    const linear = binaryLinearModel([3, -4, 1, -0.5], 0.3);
    const model: Model = { ...linear, forward: (x, pass) => tidy(() => linear.forward(div(round(mul(x, 8)), 8), pass)) };
    const [inputs, labels] = [tensor2d([[0.5, 0.4, 0.6, 0.5]]), tensor1d([1], 'int32')];
    const broken = async (attack: Attack): Promise<boolean> => {
      const { success, adversarial } = await runAttack(attack, { model, inputs, labels, ids: [0], threat: linf(0.2), random: randomStream(0) });
      adversarial.dispose();
      return success[0]!;
    };
    expect(await broken(pgd({ steps: 50, randomStart: false }))).toBe(false);
    for (const attack of [hopSkipJump({ queries: 1000 }), simba({ queries: 200 }), spsa({ queries: 3000, radius: 0.1 })]) {
      expect(await broken(attack), attack.id).toBe(true);
    }
    [inputs, labels, linear].forEach((x) => x.dispose());
  });
});

it.each([
  ['no queries', () => hopSkipJump({ queries: 0 })], ['starts that are no map', () => boundary({ starts: {} as never })], ['odd samples', () => nes({ samples: 5 })],
  ['no radius', () => spsa({ radius: 0 })], ['another basis', () => simba({ basis: 'wavelet' as never })], ['an unknown key', () => nes({ steps: 3 } as object)],
])('refuses %s', (_what, create) => {
  expect(create).toThrow(expect.objectContaining({ code: 'RJS_ATTACK_OPTION' }));
});
