import { type Attack, evaluation, l2, linf, type Model, modelOf, randomStream, runAttack } from '@robustjs/core';
import { binaryLinearModel, expectClose, numbersOf, tinyBatch, tinyCnn, useWasm } from '@robustjs/testkit';
import { add, dispose, div, grad, mul, pow, round, square, sum, tensor1d, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { attacks, bim, bpda, eot, hopSkipJump, noise, pgd, track, type TrackedStep, withPreprocessing } from '../src/index.ts';

useWasm();

const WEIGHTS = [3, -4, 1, -0.5];
const INPUT = [0.5, 0.4, 0.6, 0.5];

async function brokenBy(attack: Attack, model: Model, eps: number): Promise<boolean> {
  const [inputs, labels] = [tensor2d([INPUT]), tensor1d([1], 'int32')];
  const { success, adversarial } = await runAttack(attack, { model, inputs, labels, ids: [0], threat: linf(eps), random: randomStream(0) });
  dispose([inputs, labels, adversarial]);
  return success[0]!;
}

describe('BPDA', () => {
  it('goes forward as the transform and backward as the surrogate', async () => {
    const x = tensor2d([[0.2, 0.7]]);
    const cube = bpda((t) => round(t), (t) => pow(t, 3));
    const values = [bpda((t) => round(t))(x), cube(x)];
    for (const value of values) expect(await numbersOf(value)).toEqual([0, 1]);
    const slopes = [grad((t) => sum(mul(bpda((u) => round(u))(t), [5, 7])))(x), grad((t) => sum(mul(cube(t), [5, 7])))(x)];
    await expectClose(slopes[0]!, [5, 7], { absolute: 1e-6 });
    await expectClose(slopes[1]!, [5 * 3 * 0.04, 7 * 3 * 0.49], { absolute: 1e-5 });
    dispose([x, ...values, ...slopes]);
  });

  it('breaks a model that rounds its input, where plain PGD sees no gradient', async () => {
    const linear = binaryLinearModel(WEIGHTS, 0.3);
    const rounded = withPreprocessing(linear, (x) => div(round(mul(x, 8)), 8));
    const attackable = withPreprocessing(linear, bpda((x) => div(round(mul(x, 8)), 8)));
    for (const eps of [0.1, 0.15]) {
      expect(await brokenBy(pgd({ steps: 40, randomStart: false }), rounded, eps)).toBe(false);
      expect(await brokenBy(pgd({ steps: 40, randomStart: false }), attackable, eps)).toBe(true);
    }
    linear.dispose();
  });

  it('leaves the model as deployed: the same logits, bounds and parameters', async () => {
    const model = tinyCnn();
    const batch = tinyBatch(model);
    const [plain, wrapped] = [model, withPreprocessing(model, bpda((x) => x.clone()))].map((one) => one.forward(batch.inputs, evaluation()));
    expect(await numbersOf(wrapped!)).toEqual(await numbersOf(plain!));
    dispose([plain!, wrapped!]);
    [batch, model].forEach((x) => x.dispose());
  });
});

describe('EOT', () => {
  /** A linear model behind normal noise of this deviation, drawn anew in every pass. */
  const noisy = (model: Model, deviation: number): Model => ({
    ...model,
    forward: (x, pass) => tidy(() => model.forward(add(x, mul(pass.random!.normalRows(Array.from({ length: x.shape[0] }, (_, i) => i), x.shape.slice(1)), deviation)), pass)),
  });

  it('averages over passes of their own: the estimate nears the expectation as 1 / sqrt(samples)', async () => {
    // E[w.(x + n)^2] has gradient 2 w x: each pass adds 2 w n, of deviation 2 w s.
    const model = noisy(modelOf((x) => x.clone(), { inputShape: [2], bounds: [-9, 9] }), 0.5);
    const spread = async (samples: number): Promise<number> => {
      const errors: number[] = [];
      for (let seed = 0; seed < 30; seed++) {
        const reading: Attack = {
          id: 'reading', config: {}, objective: (x) => tidy(() => sum(square(x), 1)),
          async search(search) {
            const gradient = search.gradient(search.clean);
            errors.push(...(await numbersOf(gradient)).map((value, i) => value - 2 * [1, -2][i]!));
            gradient.dispose();
          },
        };
        const [inputs, labels] = [tensor2d([[1, -2]]), tensor1d([0], 'int32')];
        const { adversarial, gradientCalls } = await runAttack(eot(reading, { samples }), { model, inputs, labels, ids: [0], threat: l2(1), random: randomStream(seed) });
        expect([...gradientCalls]).toEqual([samples]);
        dispose([adversarial, inputs, labels]);
      }
      return Math.sqrt(errors.reduce((total, error) => total + error ** 2, 0) / errors.length);
    };
    // One pass: 2 s = 1. Sixteen: a quarter. 60 errors each, so within a third of it.
    expect(Math.abs((await spread(1)) - 1)).toBeLessThan(1 / 3);
    expect(Math.abs((await spread(16)) - 0.25)).toBeLessThan(1 / 12);
  });

  it('is the attack itself with one sample, or on a model without randomness', async () => {
    const model = tinyCnn();
    const batch = tinyBatch(model);
    const found = async (attack: Attack): Promise<number[]> => {
      const { adversarial } = await runAttack({ ...attack, id: 'same' }, { model, ...batch, threat: linf(0.1), random: randomStream(2) });
      const numbers = await numbersOf(adversarial);
      adversarial.dispose();
      return numbers;
    };
    const plain = await found(pgd({ steps: 4 }));
    expect(await found(eot(pgd({ steps: 4 }), { samples: 1 }))).toEqual(plain);
    expect(await found(eot(pgd({ steps: 4 }), { samples: 2 }))).toEqual(plain);
    [batch, model].forEach((x) => x.dispose());
  });

  it('turns an attack that noise leads astray back to the closed form', async () => {
    // Squashed, so that the gradient depends on the noise: the sign of the mean gradient is that of the weights.
    const linear = binaryLinearModel(WEIGHTS, 0.3);
    const model = noisy(linear, 0.5);
    const [inputs, labels] = [tensor2d([INPUT]), tensor1d([1], 'int32')];
    const distanceTo = async (attack: Attack): Promise<number> => {
      const { adversarial } = await runAttack(attack, { model, inputs, labels, ids: [0], threat: l2(0.1), random: randomStream(5), keep: 'last' });
      const x = await numbersOf(adversarial);
      adversarial.dispose();
      const length = Math.hypot(...WEIGHTS);
      return Math.hypot(...x.map((value, i) => value - (INPUT[i]! - (0.1 * WEIGHTS[i]!) / length)));
    };
    expect(await distanceTo(eot(bim({ steps: 5 }), { samples: 20 }))).toBeLessThan(1e-4);
    dispose([inputs, labels]);
    linear.dispose();
  });

  it('says what it is, and refuses no samples', () => {
    expect(eot(pgd({ steps: 3 }), { samples: 5 })).toMatchObject({ id: 'pgd-eot', config: { steps: 3, samples: 5 } });
    expect(() => eot(pgd(), { samples: 0 })).toThrow(expect.objectContaining({ code: 'RJS_ATTACK_OPTION' }));
  });
});

describe('a tracked attack', () => {
  async function tracked(attack: Attack) {
    const model = tinyCnn();
    const batch = tinyBatch(model);
    const steps: TrackedStep[] = [];
    const problem = { model, ...batch, threat: linf(0.08), random: randomStream(4) };
    try {
      const plain = await runAttack(attack, problem);
      const seen = await runAttack(track(attack, (step) => void steps.push(step)), problem);
      const [a, b] = [await numbersOf(plain.adversarial), await numbersOf(seen.adversarial)];
      dispose([plain.adversarial, seen.adversarial]);
      return { steps, plain: { ...plain, adversarial: a }, seen: { ...seen, adversarial: b }, clean: await numbersOf(batch.inputs) };
    } finally {
      [batch, model].forEach((x) => x.dispose());
    }
  }

  it.each([['pgd', pgd({ steps: 5, restarts: 2 })], ['noise', noise({ draws: 6 })], ['hop-skip-jump', hopSkipJump({ queries: 40, probes: 5 })], ['apgd-ce', attacks['apgd-ce']!({ steps: 8 })]] as const)(
    '%s finds what it finds untracked, to the bit, and tells of every pass', async (_id, attack) => {
      const { steps, plain, seen } = await tracked(attack);
      expect(seen).toEqual(plain);
      expect(steps.map(({ step }) => step)).toEqual(steps.map((_, i) => i));
      const passes = (id: number, kind: 'gradient' | 'query'): number => steps.filter(({ ids, gradientNorm }) => ids.includes(id) && (gradientNorm !== undefined) === (kind === 'gradient')).length;
      plain.gradientCalls.forEach((count, row) => expect(passes(100 + 7 * row, 'gradient')).toBe(count));
      plain.queries.forEach((count, row) => expect(passes(100 + 7 * row, 'query')).toBe(count));
    });

  it('is told loss, distance and success of what was asked, and the length of the gradient', async () => {
    const { steps, plain, clean } = await tracked(pgd({ steps: 4, alpha: 0.02, randomStart: false }));
    expect(steps[0]!.distance.every((distance) => distance === 0)).toBe(true);
    expect(steps.every(({ gradientNorm }) => gradientNorm === undefined || gradientNorm.every((length) => length > 0))).toBe(true);
    for (const { ids, distance, inputs, success, loss } of steps) {
      ids.forEach((id, row) => {
        const place = (id - 100) / 7;
        const moved = Math.max(...Array.from(inputs.subarray(row * 64, row * 64 + 64), (value, i) => Math.abs(value - clean[place * 64 + i]!)));
        expect(distance[row]).toBeCloseTo(moved, 6);
        // The first success is what the attack returns; what it returns has the loss that was told.
        if (success[row]) expect(loss[row]).toBeCloseTo(plain.values[place]!, 5);
      });
    }
    expect(plain.success.map((_, row) => steps.some(({ ids, success }) => success[ids.indexOf(100 + 7 * row)]))).toEqual([...plain.success]);
    const norms = steps.map(({ gradientNorm }) => gradientNorm?.length);
    expect(norms.slice(0, 4).every((length) => length !== undefined)).toBe(true);
  });

  it('ends with what the listener throws, and leaves no tensor', async () => {
    const model = tinyCnn();
    const batch = tinyBatch(model);
    const listener = (): void => {
      throw new Error('enough');
    };
    const running = runAttack(track(noise({ draws: 5 }), listener), { model, ...batch, threat: linf(0.1), random: randomStream(0) });
    await expect(running).rejects.toThrow('enough');
    [batch, model].forEach((x) => x.dispose());
  });
});
