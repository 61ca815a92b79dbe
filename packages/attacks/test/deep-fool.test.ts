// Oracles: one step on a binary linear model in closed form; algorithm 2 in a plain loop on several classes; a ball.
import { type Attack, l1, l2, linf, type Model, randomStream, runAttack, type ThreatModel } from '@robustjs/core';
import { binaryLinearModel, expectClose, type LinearModel, linearModel, numbersOf, quadraticModel, useWasm } from '@robustjs/testkit';
import { dispose, tensor1d, tensor2d } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { deepFool } from '../src/index.ts';

useWasm();

async function attacked(attack: Attack, model: Model, inputs: number[][], labels: number[], threat: ThreatModel) {
  const [x, y] = [tensor2d(inputs), tensor1d(labels, 'int32')];
  try {
    const result = await runAttack(attack, { model, inputs: x, labels: y, ids: labels.map((_, i) => i), threat, random: randomStream(0) });
    const adversarial = await numbersOf(result.adversarial);
    result.adversarial.dispose();
    return { ...result, adversarial };
  } finally {
    dispose([x, y]);
  }
}

describe('DeepFool on a binary linear model', () => {
  // w = (3, -4), b = -1, x = (0.5, 0.1): f = 0.1, ||w||_2 = 5, ||w||_1 = 7.
  it.each([
    ['L2', l2, [0.5 - (1.02 * 0.02 * 3) / 5, 0.1 + (1.02 * 0.02 * 4) / 5], 1.02 * 0.02],
    ['Linf', linf, [0.5 - (1.02 * 0.1) / 7, 0.1 + (1.02 * 0.1) / 7], (1.02 * 0.1) / 7],
  ] as const)('takes one step, to 1.02 of the distance, %s', async (_norm, threat, point, distance) => {
    const model = binaryLinearModel([3, -4], -1);
    for (const steps of [1, 50]) {
      const { adversarial, distances, success } = await attacked(deepFool({ steps, halvings: 0 }), model, [[0.5, 0.1]], [1], threat(Infinity));
      expect(success).toEqual([true]);
      await expectClose(adversarial, point, { relative: 1e-6 });
      expect(distances[0]).toBeCloseTo(distance, 6);
    }
    model.dispose();
  });

  it.each([['L2', l2, 0.02], ['Linf', linf, 0.1 / 7]] as const)('breaks a row inside a budget if and only if it exceeds 1.02 of the distance, %s', async (_norm, threat, radius) => {
    const model = binaryLinearModel([3, -4], -1);
    for (const [share, broken] of [[0.999, false], [1.025, true]] as const) {
      const { success, gradientCalls } = await attacked(deepFool({ steps: 7 }), model, [[0.5, 0.1]], [1], threat(radius * share));
      expect(success).toEqual([broken]);
      expect(gradientCalls[0]).toBe(broken ? 1 : 7);
    }
    model.dispose();
  });

  it('rests where the class is wrong already, at distance 0', async () => {
    const model = binaryLinearModel([3, -4], -1);
    const { adversarial, distances } = await attacked(deepFool(), model, [[0.5, 0.1]], [0], l2(Infinity));
    await expectClose(adversarial, [0.5, 0.1]);
    expect(distances[0]).toBe(0);
    model.dispose();
  });
});

/** The shortest way to a plane inside the box, by bisection of its level: distances along w (L2), or of one length (Linf). */
function wayInBox(at: readonly number[], w: readonly number[], gap: number, norm: 'L2' | 'Linf', [low, high]: readonly [number, number]): number[] {
  const way = (level: number): number[] => w.map((v, i) => Math.sign(v) * Math.min(v > 0 ? high - at[i]! : v < 0 ? at[i]! - low : 0, norm === 'L2' ? level * Math.abs(v) : level));
  const gained = (level: number): number => way(level).reduce((sum, d, i) => sum + d * w[i]!, 0);
  let [short, long] = [0, 1e6];
  for (let i = 0; i < 200; i++) {
    const level = (short + long) / 2;
    if (gained(level) < gap) short = level;
    else long = level;
  }
  return way(long);
}

/** Algorithm 2 with overshoot, inside the box, in a plain loop, and where it ends. */
function plainDeepFool(model: LinearModel, weights: number[][], x: number[], label: number, norm: 'L2' | 'Linf', [low, high]: readonly [number, number]): number[] {
  let at = x;
  for (let step = 0; step < 50; step++) {
    const z = model.logits(at);
    if (z.indexOf(Math.max(...z)) !== label) break;
    const planes = weights.flatMap((row, k) => {
      if (k === label) return [];
      const w = row.map((v, i) => v - weights[label]![i]!);
      const slope = norm === 'L2' ? Math.hypot(...w) : w.reduce((sum, v) => sum + Math.abs(v), 0);
      const gap = Math.abs(z[k]! - z[label]!);
      return [{ w, gap, distance: gap / slope }];
    });
    const { w, gap } = planes.reduce((a, b) => (b.distance < a.distance ? b : a));
    const way = wayInBox(at, w, gap, norm, [low, high]);
    at = at.map((v, i) => Math.min(high, Math.max(low, v + 1.02 * way[i]!)));
  }
  return at;
}

describe('DeepFool on several classes', () => {
  const weights = [[3, -4, 1, -0.5], [0, 0, 0, 0], [-1, 1, 2, 0.5], [2, 2, -1, 0]];
  // The last input needs several steps: the box stops some values.
  const inputs = [[0.5, 0.4, 0.6, 0.5], [0.1, 0.2, 0.9, 0.7], [0.9, 0.05, 0.02, 0.99], [0.02, 0.98, 0.97, 0.5]];

  it.each(['L2', 'Linf'] as const)('is algorithm 2 in a plain loop, %s', async (norm) => {
    for (const bounds of [[-5, 5], [0, 1]] as const) {
      const model = linearModel({ weights, bias: [0.4, 0.3, 0, 0.1], bounds });
      const labels = inputs.map((x) => model.logits(x).indexOf(Math.max(...model.logits(x))));
      const { adversarial, success } = await attacked(deepFool({ halvings: 0 }), model, inputs, labels, norm === 'L2' ? l2(Infinity) : linf(Infinity));
      expect(success).toEqual(inputs.map(() => true));
      await expectClose(adversarial, inputs.flatMap((x, i) => plainDeepFool(model, weights, x, labels[i]!, norm, bounds)), { relative: 1e-5 });
      model.dispose();
    }
  });

  it('looks at as many classes as it has candidates', async () => {
    const model = linearModel({ weights, bias: [0.4, 0.3, 0, 0.1] });
    const labels = inputs.map((x) => model.logits(x).indexOf(Math.max(...model.logits(x))));
    for (const [candidates, gradients] of [[2, 2], [3, 4], [10, 6]] as const) {
      const { gradientCalls } = await attacked(deepFool({ candidates, steps: 2 }), model, inputs, labels, l2(Infinity));
      expect([...gradientCalls]).toEqual(inputs.map(() => gradients));
    }
    model.dispose();
  });
});

it('DeepFool stops beyond a ball at its first step, as far as the slope at the start says', async () => {
  // f = 0.64 - ||x||^2 bends away from its tangent: |f| / ||2 x|| is more than the 0.8 - ||x|| to the surface.
  const model = quadraticModel(3, 0.8);
  const inputs = [[0.3, 0.1, -0.2], [0, 0.5, 0]];
  const { distances, success } = await attacked(deepFool({ halvings: 0 }), model, inputs, [0, 0], l2(Infinity));
  expect(success).toEqual([true, true]);
  for (const [i, x] of inputs.entries()) {
    const length = Math.hypot(...x);
    expect(distances[i]).toBeCloseTo((1.02 * (0.64 - length ** 2)) / (2 * length), 5);
  }
});

it('DeepFool refuses L1, and options that it does not know', async () => {
  const model = binaryLinearModel([3, -4], -1);
  await expect(attacked(deepFool(), model, [[0.5, 0.1]], [1], l1(1))).rejects.toThrow(expect.objectContaining({ code: 'RJS_ATTACK_NORM' }));
  for (const options of [{ steps: 0 }, { candidates: 1 }, { overshoot: -1 }, { eta: 1 }]) {
    expect(() => deepFool(options)).toThrow(expect.objectContaining({ code: 'RJS_ATTACK_OPTION' }));
  }
  model.dispose();
});

it('DeepFool closes in on a curved boundary by halvings of the way back', async () => {
  const model = quadraticModel(3, 0.8);
  const inputs = [[0.3, 0.1, -0.2], [0, 0.5, 0]];
  const { distances } = await attacked(deepFool(), model, inputs, [0, 0], l2(Infinity));
  // The straight way is the shortest here: 0.8 - ||x||, to a 1024th of where the step ended.
  for (const [i, x] of inputs.entries()) {
    const shortest = 0.8 - Math.hypot(...x);
    expect(distances[i]).toBeGreaterThanOrEqual(shortest - 1e-5);
    expect(distances[i]).toBeLessThanOrEqual(shortest + 1e-3);
  }
});
