import { linf, MAIN, one, type Update } from '@robustjs/core';
import { binaryLinearModel, expectClose, expectSameBits, lossAndGradients, lossOf, numbersOf, snapshot, tinyBatch, tinyCnn, trainingTools, useWasm, withObjective } from '@robustjs/testkit';
import { crossEntropy } from '@robustjs/nn';
import { dispose, mean, tensor1d, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { type PgdAtOptions, pgdAt } from '../src/index.ts';

useWasm();

const OPTIONS: PgdAtOptions = { norm: 'Linf', eps: 0.05, steps: 10, randomStart: true };

describe('on a linear binary model', () => {
  // The inner maximum is known: the loss is log(1 + exp(-(y (w.x + b) - eps ||w||_1))), y = +-1, away from the box.
  const weights = [3, -4, 1, -0.5];
  const rows = [[0.5, 0.4, 0.6, 0.5], [0.3, 0.6, 0.4, 0.2], [0.7, 0.5, 0.5, 0.5]];
  const labels = [1, 0, 0];
  const signed = rows.map((x, i) => (labels[i]! === 1 ? 1 : -1) * (x.reduce((sum, v, j) => sum + v * weights[j]!, 0.2)));
  const duals = { Linf: 8.5, L2: Math.hypot(...weights) } as const;

  it.each(['Linf', 'L2'] as const)('the loss is the closed form of the robust loss, %s', async (norm) => {
    const model = binaryLinearModel(weights, 0.2);
    const batch = { inputs: tensor2d(rows), labels: tensor1d(labels, 'int32'), ids: new Int32Array([7, 8, 9]) };
    const defense = pgdAt({ ...OPTIONS, norm, steps: 40, alpha: 0.02 });
    const losses = signed.map((z) => Math.log1p(Math.exp(-(z - 0.05 * duals[norm]))));
    const loss = await withObjective(defense, model, batch, lossOf);
    expect(loss).toBeCloseTo(losses.reduce((a, b) => a + b) / 3, 5);
    dispose([batch.inputs, batch.labels]);
    model.dispose();
  });

  it('the gradient is the closed form\'s: -sigmoid(-(z - eps ||w||_1)) (y x - eps sign(w)), averaged', async () => {
    const model = binaryLinearModel(weights, 0.2);
    const batch = { inputs: tensor2d(rows), labels: tensor1d(labels, 'int32'), ids: new Int32Array([7, 8, 9]) };
    const expected = weights.map((w, j) => rows.reduce((sum, x, i) => {
      const share = 1 / (1 + Math.exp(signed[i]! - 0.05 * 8.5));
      return sum - (share * ((labels[i] === 1 ? 1 : -1) * x[j]! - 0.05 * Math.sign(w))) / 3;
    }, 0));
    await withObjective(pgdAt({ ...OPTIONS, steps: 20 }), model, batch, async (objective) => {
      const { gradients } = await lossAndGradients(objective, model);
      // The kernel is [4][2]; the second column is class 1's, and the first its opposite.
      const kernel = await numbersOf(gradients[0]!);
      await expectClose(kernel.filter((_, i) => i % 2 === 1), expected, { relative: 1e-4 });
      dispose([...gradients]);
    });
    dispose([batch.inputs, batch.labels]);
    model.dispose();
  });
});

describe('on a network', () => {
  it('with eps 0 is the plain cross-entropy in training mode, to the bit', async () => {
    const model = tinyCnn();
    const batch = tinyBatch(model);
    const robust = await withObjective(pgdAt({ ...OPTIONS, eps: 0 }), model, batch, lossOf);
    const plain = tidy(() => mean(crossEntropy(model.forward(batch.inputs, { train: true, route: one(MAIN) }), batch.labels)));
    await expectSameBits(plain, [robust]);
    plain.dispose();
    [batch, model].forEach((x) => x.dispose());
  });

  it('trains on adversarial rows alone: their statistics are what moves, once', async () => {
    const model = tinyCnn();
    const batch = tinyBatch(model);
    await withObjective(pgdAt(OPTIONS), model, batch, async (objective, tools) => {
      expect(tools.attacks.length).toBe(1);
      expect(tools.attacks[0]!.asked.threat).toMatchObject({ norm: 'Linf', eps: 0.05 });
      await lossOf(objective);
      const seen = await numbersOf(tools.updates[0]!.value);
      expect(tools.updates.length).toBe(model.buffers.length);
      const updates: Update[] = [];
      model.forward(tools.attacks[0]!.adversarial, { train: true, route: one(MAIN), updates }).dispose();
      await expectSameBits(updates[0]!.value, seen);
      dispose(updates.map(({ value }) => value));
    });
    [batch, model].forEach((x) => x.dispose());
  });

  it('attacks what it finds harder than the clean rows, and harder with more steps', async () => {
    const model = tinyCnn();
    const batch = tinyBatch(model);
    const loss = (options: Partial<PgdAtOptions>): Promise<number> => withObjective(pgdAt({ ...OPTIONS, ...options }), model, batch, lossOf);
    const clean = await loss({ eps: 0 });
    const [one, ten] = [await loss({ steps: 1, alpha: 0.005, randomStart: false }), await loss({ steps: 10, alpha: 0.005, randomStart: false })];
    expect(one).toBeGreaterThan(clean);
    expect(ten).toBeGreaterThan(one);
    [batch, model].forEach((x) => x.dispose());
  });

  it('takes no part of the step before the attack is over: the model is as it was', async () => {
    const model = tinyCnn();
    const batch = tinyBatch(model);
    const before = await snapshot(model);
    const tools = trainingTools(model, batch);
    const objective = await pgdAt(OPTIONS).objective!(model, batch, tools);
    expect(await snapshot(model)).toEqual(before);
    expect(tools.updates).toEqual([]);
    objective.dispose!();
    tools.dispose();
    [batch, model].forEach((x) => x.dispose());
  });
});

describe('options', () => {
  it('are refused before training: budget, norm, steps', () => {
    expect(() => pgdAt({ ...OPTIONS, eps: 'a lot' })).toThrow(expect.objectContaining({ code: 'RJS_EPS' }));
    expect(() => pgdAt({ ...OPTIONS, norm: 'L3' })).toThrow(expect.objectContaining({ code: 'RJS_NORM' }));
    expect(() => pgdAt({ ...OPTIONS, steps: 0 })).toThrow(expect.objectContaining({ code: 'RJS_ATTACK_OPTION' }));
    expect(linf(OPTIONS.eps).eps).toBe(0.05);
  });
});
