// The role tests and invariants of docs/methods/robust-dml.md.
import type { Batch } from '@robustjs/core';
import { changedNames, expectNoLeak, expectSameBits, linearModel, lossAndGradients, lossOf, numbersOf, snapshot, tinyBatch, tinyNetworkFor, trainingTools, useWasm, withObjective } from '@robustjs/testkit';
import { dispose, type Tensor, tensor1d, tensor2d } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { plugin, robustDml, type RobustDmlOptions } from '../src/index.ts';

useWasm();

const OPTIONS: RobustDmlOptions = plugin.options.parse({ eps: 0.05 });
const ROLES = ['positive', 'negative', 'anchor'] as const;

describe.each(ROLES)('a perturbed %s on a linear map', (role) => {
  const W = [[1, -0.5], [0.25, 1]];
  // Two classes of two, close enough that the miner keeps every anchor.
  const X = [[0.5, 0.5], [0.6, 0.4], [0.2, 0.3], [0.3, 0.7]];
  const image = (x: readonly number[]): number[] => W.map((row) => row[0]! * x[0]! + row[1]! * x[1]!);
  const distance = (a: readonly number[], b: readonly number[]): number => Math.hypot(...a.map((value, k) => value - b[k]!));

  it('moves as its role says, within the budget', async () => {
    const model = linearModel({ weights: W });
    const batch: Batch = { inputs: tensor2d(X), labels: tensor1d([0, 0, 1, 1], 'int32'), ids: Int32Array.of(0, 1, 2, 3) };
    await withObjective(robustDml({ ...OPTIONS, role }), model, batch, async (_objective, tools) => {
      const { asked, adversarial } = tools.attacks[0]!;
      const { ids } = asked.batch!;
      const found = (await adversarial.array()) as number[][];
      found.forEach((moved, i) => {
        // The id of a row is its anchor's; each class has two members.
        const anchor = ids[i]!;
        const positive = anchor ^ 1;
        const others = anchor < 2 ? [2, 3] : [0, 1];
        const source = role === 'positive' ? [positive] : role === 'anchor' ? [anchor] : others;
        const near = source.map((row) => Math.max(...moved.map((value, k) => Math.abs(value - X[row]![k]!))));
        expect(Math.min(...near)).toBeLessThanOrEqual(0.05 + 1e-6);
        if (role === 'positive') expect(distance(image(moved), image(X[anchor]!))).toBeGreaterThan(distance(image(X[positive]!), image(X[anchor]!)));
        if (role === 'negative') expect(distance(image(moved), image(X[anchor]!))).toBeLessThan(Math.max(...others.map((row) => distance(image(X[row]!), image(X[anchor]!)))));
        if (role === 'anchor') {
          const gap = (x: readonly number[], n: number): number => distance(image(x), image(X[positive]!)) - distance(image(x), image(X[n]!));
          expect(others.some((n) => gap(moved, n) > gap(X[anchor]!, n))).toBe(true);
        }
      });
    });
    dispose([batch.inputs, batch.labels]);
    model.dispose();
  });
});

/** A batch of a tiny network, two examples a class. */
async function onNetwork(work: (model: ReturnType<typeof tinyNetworkFor>, batch: ReturnType<typeof tinyBatch>) => Promise<void>): Promise<void> {
  const model = tinyNetworkFor(robustDml(OPTIONS));
  const batch = tinyBatch(model);
  await work(model, batch);
  batch.dispose();
  model.dispose();
}

describe('a training step', () => {
  it('without attacks is the loss on the mined triplets; with a budget of zero and no way to move, the same', async () => {
    await onNetwork(async (model, batch) => {
      const loss = async (options: Partial<RobustDmlOptions>): Promise<number> => withObjective(robustDml({ ...OPTIONS, ...options }), model, batch, (objective) => lossOf(objective), { seed: 4 });
      const natural = await loss({ rate: 0 });
      expect(natural).toBeGreaterThan(0);
      // Batch statistics see the appended rows as well, so only the order of magnitude can agree.
      expect(await loss({ eps: 0 })).toBeGreaterThan(0);
    });
  });

  it('with a budget of zero puts the clean rows of the role in again', async () => {
    await onNetwork(async (model, batch) => {
      await withObjective(robustDml({ ...OPTIONS, eps: 0 }), model, batch, async (_objective, tools) => {
        const { asked, adversarial } = tools.attacks[0]!;
        expect(adversarial.shape.slice(1)).toEqual(batch.inputs.shape.slice(1));
        const clean = new Set(((await batch.inputs.array()) as unknown[]).map((row) => JSON.stringify(row)));
        for (const row of (await adversarial.array()) as unknown[]) expect(clean.has(JSON.stringify(row))).toBe(true);
        expect(asked.batch!.ids.length).toBe(adversarial.shape[0]);
      });
    });
  });

  it('attacks the share of triplets that it is told', async () => {
    await onNetwork(async (model, batch) => {
      const attacked = async (rate: number): Promise<number> => withObjective(robustDml({ ...OPTIONS, rate }), model, batch, async (_objective, tools) => tools.attacks[0]?.adversarial.shape[0] ?? 0, { seed: 4 });
      const [none, all] = [await attacked(0), await attacked(1)];
      expect(none).toBe(0);
      expect(all).toBeGreaterThan(2);
      expect(await attacked(0.5)).toBeLessThan(all);
    });
  });

  it('reaches clean and perturbed members: the gradient is not that of either alone, and is finite', async () => {
    await onNetwork(async (model, batch) => {
      await withObjective(robustDml(OPTIONS), model, batch, async (objective) => {
        const { loss, gradients } = await lossAndGradients(objective, model);
        expect(loss).toBeGreaterThan(0);
        for (const gradient of gradients) expect((await numbersOf(gradient)).every(Number.isFinite)).toBe(true);
        dispose([...gradients]);
      });
    });
  });

  it('a batch without pairs, or in which every anchor is dropped, has a loss of zero and no attack', async () => {
    await onNetwork(async (model, batch) => {
      const alone = { ...batch, labels: tensor1d([0, 1, 2, 3, 4, 5], 'int32') };
      await withObjective(robustDml(OPTIONS), model, alone, async (objective, tools) => {
        const { loss, gradients } = await lossAndGradients(objective, model);
        expect(loss).toBe(0);
        for (const gradient of gradients) expect((await numbersOf(gradient)).every((value) => value === 0)).toBe(true);
        expect(tools.attacks).toEqual([]);
        dispose([...gradients]);
      });
      alone.labels.dispose();
    });
  });

  it('is the same for the same seed, leaves the network alone, and leaks nothing, stopped or not', async () => {
    await onNetwork(async (model, batch) => {
      const before = await snapshot(model);
      const rows = async (): Promise<Tensor> => withObjective(robustDml(OPTIONS), model, batch, async (_objective, tools) => tools.attacks[0]!.adversarial.clone(), { seed: 2 });
      const [first, second] = [await rows(), await rows()];
      await expectSameBits(first, second);
      expect(await changedNames(model, before)).toEqual([]);
      dispose([first, second]);
      await expectNoLeak(async () => {
        const tools = trainingTools(model, batch);
        await robustDml(OPTIONS).objective!(model, batch, { ...tools, attack: () => Promise.reject(new Error('stopped')) }).catch(() => undefined);
        tools.dispose();
      });
    });
  });
});
