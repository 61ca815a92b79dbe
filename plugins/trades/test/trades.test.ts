import { MAIN, mean, type Model, modelOf, one, type TrainingTools } from '@robustjs/core';
import { crossEntropy, klDivergence } from '@robustjs/nn';
import { expectClose, expectNoLeak, expectSameBits, lossAndGradients, lossOf, numbersOf, tinyBatch, tinyCnn, useWasm, withObjective } from '@robustjs/testkit';
import { add, dispose, mul, type Tensor, tensor1d, tensor2d, tidy, variableGrads } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { trades, type TradesOptions } from '../src/index.ts';

useWasm();

const OPTIONS: TradesOptions = { beta: 6, norm: 'Linf', eps: 0.05, steps: 10 };

describe('the loss', () => {
  it('of clean logits (2, 1, 0), adversarial ones (0.5, 1.5, 0) and class 0 is 0.407606 + 6 * 0.432260 = 3.001166', async () => {
    // Inputs that are their own logits; a handed-in adversarial row stands for the attack.
    const model = modelOf((x) => x.clone(), { inputShape: [3], bounds: [-5, 5] });
    const batch = { inputs: tensor2d([[2, 1, 0]]), labels: tensor1d([0], 'int32'), ids: new Int32Array([0]) };
    const attack = async (): Promise<Tensor> => tensor2d([[0.5, 1.5, 0]]);
    const noted: number[] = [];
    await withObjective(trades(OPTIONS), model, batch, async (_real, tools) => {
      const objective = await trades(OPTIONS).objective!(model, batch, { ...tools, attack });
      const loss = tidy(() => objective.loss((_name, value) => void noted.push(value.dataSync()[0]!)));
      await expectClose(loss, [3.001166], { relative: 1e-6 });
      loss.dispose();
      objective.dispose!();
    });
    await expectClose(noted, [0.407606, 0.43226], { relative: 2e-6 });
    dispose([batch.inputs, batch.labels]);
  });

  it('notes its two parts, and the robust one is a divergence: never below zero', async () => {
    const model = tinyCnn();
    const batch = tinyBatch(model);
    await withObjective(trades(OPTIONS), model, batch, async (objective) => {
      const { loss, gradients, logs } = await lossAndGradients(objective, model);
      expect(Object.keys(logs)).toEqual(['natural', 'robust']);
      expect(logs['robust']).toBeGreaterThan(0);
      expect(loss).toBeCloseTo(logs['natural']! + 6 * logs['robust']!, 5);
      dispose([...gradients]);
    });
    [batch, model].forEach((x) => x.dispose());
  });

  it('with beta 0 is the plain cross-entropy, gradients included', async () => {
    const model = tinyCnn();
    const batch = tinyBatch(model);
    const plain = variableGrads(
      () => mean(crossEntropy(model.forward(batch.inputs, { train: true, route: one(MAIN) }), batch.labels)),
      model.parameters.map(({ variable }) => variable),
    );
    await withObjective(trades({ ...OPTIONS, beta: 0 }), model, batch, async (objective) => {
      const { loss, gradients } = await lossAndGradients(objective, model);
      await expectClose(plain.value, [loss]);
      for (const [i, { variable }] of model.parameters.entries()) await expectClose(gradients[i]!, plain.grads[variable.name]!, { relative: 1e-6 });
      dispose([...gradients]);
    });
    dispose([plain.value, ...Object.values(plain.grads)]);
    [batch, model].forEach((x) => x.dispose());
  });

  it('with eps 0 has no robust part', async () => {
    const model = tinyCnn();
    const batch = tinyBatch(model);
    await withObjective(trades({ ...OPTIONS, eps: 0 }), model, batch, async (objective) => {
      const { gradients, logs } = await lossAndGradients(objective, model);
      expect(Math.abs(logs['robust']!)).toBeLessThan(1e-7);
      dispose([...gradients]);
    });
    [batch, model].forEach((x) => x.dispose());
  });
});

describe('the gradient', () => {
  it('reaches the clean prediction in the divergence: it differs from the one with that stopped', async () => {
    const model = tinyCnn();
    const batch = tinyBatch(model);
    await withObjective(trades(OPTIONS), model, batch, async (objective, tools) => {
      const { gradients } = await lossAndGradients(objective, model);
      const [through, stopped] = [await recomputed(model, batch, tools.attacks[0]!.adversarial, false), await recomputed(model, batch, tools.attacks[0]!.adversarial, true)];
      const mine = (await Promise.all(gradients.map(numbersOf))).flat();
      await expectClose(mine, through, { relative: 1e-4 });
      const gap = Math.max(...mine.map((g, i) => Math.abs(g - stopped[i]!)));
      expect(gap).toBeGreaterThan(0.05 * Math.max(...mine.map(Math.abs)));
      dispose([...gradients]);
    });
    [batch, model].forEach((x) => x.dispose());
  });
});

/** Equation 5 written out anew, with or without the gradient through the clean prediction of the divergence. */
async function recomputed(model: Model, batch: { inputs: Tensor; labels: Tensor }, adversarial: Tensor, stop: boolean): Promise<number[]> {
  const pass = { train: true, route: one(MAIN) };
  const fixed = model.forward(batch.inputs, pass);
  const { value, grads } = variableGrads(() => {
    const clean = model.forward(batch.inputs, pass);
    const robust = mean(klDivergence(stop ? fixed : clean, model.forward(adversarial, pass)));
    return add(mean(crossEntropy(clean, batch.labels)), mul(robust, 6));
  }, model.parameters.map(({ variable }) => variable));
  const values = await Promise.all(model.parameters.map(({ variable }) => numbersOf(grads[variable.name]!)));
  dispose([value, fixed, ...Object.values(grads)]);
  return values.flat();
}

describe('the attack', () => {
  it('maximizes KL(p(x) || p(x*)), in this order, and lets go of p(x) when it is stopped', async () => {
    const model = modelOf((x) => x.clone(), { inputShape: [3], bounds: [-5, 5] });
    const batch = { inputs: tensor2d([[2, 1, 0]]), labels: tensor1d([0], 'int32'), ids: new Int32Array([0]) };
    let values: number[] = [];
    const attack: TrainingTools['attack'] = async ({ objective }) => {
      const divergence = tidy(() => objective!(tensor2d([[0.5, 1.5, 0]]), batch.labels));
      values = await numbersOf(divergence);
      divergence.dispose();
      throw new Error('stopped');
    };
    await withObjective(trades(OPTIONS), model, batch, async (_real, tools) => {
      await expectNoLeak(() => expect(trades(OPTIONS).objective!(model, batch, { ...tools, attack })).rejects.toThrow('stopped'));
    });
    // The other way round it is 0.4107.
    await expectClose(values, [0.43226], { relative: 2e-6 });
    dispose([batch.inputs, batch.labels]);
  });

  it('starts near the clean rows, not on them: where the divergence has no gradient', async () => {
    const model = tinyCnn();
    const batch = tinyBatch(model);
    await withObjective(trades({ ...OPTIONS, steps: 1, alpha: 0 }), model, batch, async (_objective, tools) => {
      const inputs = await numbersOf(batch.inputs);
      const moves = (await numbersOf(tools.attacks[0]!.adversarial)).map((value, i) => value - inputs[i]!);
      const deviation = Math.sqrt(moves.reduce((sum, move) => sum + move * move, 0) / moves.length);
      expect(deviation).toBeGreaterThan(0.0009);
      expect(deviation).toBeLessThan(0.0011);
    });
    [batch, model].forEach((x) => x.dispose());
  });

  it('raises the divergence from the clean prediction, step by step', async () => {
    const model = tinyCnn();
    const batch = tinyBatch(model);
    const robust = async (steps: number): Promise<number> => withObjective(trades({ ...OPTIONS, steps, alpha: 0.005 }), model, batch, async (_objective, tools) => {
      const pass = { train: false, route: one(MAIN) };
      const value = tidy(() => mean(klDivergence(model.forward(batch.inputs, pass), model.forward(tools.attacks[0]!.adversarial, pass))));
      const [divergence] = await numbersOf(value);
      value.dispose();
      return divergence!;
    });
    const [one1, five, ten] = [await robust(1), await robust(5), await robust(10)];
    expect(five).toBeGreaterThan(one1);
    expect(ten).toBeGreaterThan(five);
    [batch, model].forEach((x) => x.dispose());
  });
});

describe('statistics', () => {
  it('move twice a step, by the clean rows and then by the adversarial ones', async () => {
    const model = tinyCnn();
    const batch = tinyBatch(model);
    await withObjective(trades(OPTIONS), model, batch, async (objective, tools) => {
      await lossOf(objective);
      expect(tools.updates.length).toBe(2 * model.buffers.length);
      const first = tools.updates.slice(0, model.buffers.length);
      const second = tools.updates.slice(model.buffers.length);
      first.forEach(({ buffer }, i) => expect(buffer).toBe(second[i]!.buffer));
      for (const [updates, rows] of [[first, batch.inputs], [second, tools.attacks[0]!.adversarial]] as const) {
        const seen = trainingStatistics(model, rows);
        for (const [i, value] of seen.entries()) await expectSameBits(updates[i]!.value, value);
        dispose(seen);
      }
    });
    [batch, model].forEach((x) => x.dispose());
  });
});

function trainingStatistics(model: Model, rows: Tensor): Tensor[] {
  const updates: { buffer: never; value: Tensor; decay: number }[] = [];
  model.forward(rows, { train: true, route: one(MAIN), updates: updates }).dispose();
  return updates.map(({ value }) => value);
}
