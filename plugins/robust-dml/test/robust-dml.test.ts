// The role tests and invariants of docs/methods/robust-dml.md.
import type { Batch, Model, TrainingObjective } from '@robustjs/core';
import { distanceWeighted } from '@robustjs/metric-learning';
import { changedNames, expectNoLeak, expectSameBits, linearModel, lossAndGradients, lossOf, numbersOf, type RecordingTools, snapshot, tinyBatch, tinyNetworkFor, trainingTools, useWasm, withObjective } from '@robustjs/testkit';
import { dispose, type Tensor, tensor1d, tensor2d } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { plugin, robustDml, type RobustDmlOptions } from '../src/index.ts';
import { redirected } from '../src/roles.ts';

useWasm();

const OPTIONS: RobustDmlOptions = plugin.options.parse({ eps: 0.05 });
const ROLES = ['positive', 'negative', 'anchor'] as const;

const W = [[1, -0.5], [0.25, 1]];
// Two classes of two, close enough that the miner keeps every anchor.
const X = [[0.5, 0.5], [0.6, 0.4], [0.2, 0.3], [0.3, 0.7]];
const LABELS = [0, 0, 1, 1];
const image = (x: readonly number[]): number[] => W.map((row) => row[0]! * x[0]! + row[1]! * x[1]!);
const minus = (a: readonly number[], b: readonly number[]): number[] => a.map((value, k) => value - b[k]!);
const distance = (a: readonly number[], b: readonly number[]): number => Math.hypot(...minus(a, b));

/** One step on the linear map, which has no batch statistics. */
async function onLinearMap<Result>(options: Partial<RobustDmlOptions>, work: (objective: TrainingObjective, tools: RecordingTools, model: Model) => Promise<Result>): Promise<Result> {
  const model = linearModel({ weights: W });
  const batch: Batch = { inputs: tensor2d(X), labels: tensor1d(LABELS, 'int32'), ids: Int32Array.of(0, 1, 2, 3) };
  const result = await withObjective(robustDml({ ...OPTIONS, ...options }), model, batch, (objective, tools) => work(objective, tools, model), { seed: 4 });
  dispose([batch.inputs, batch.labels]);
  model.dispose();
  return result;
}

/** The triplets that the step mines, from its own stream. */
function minedIn(tools: RecordingTools): [anchor: number, positive: number, negative: number][] {
  const miner = distanceWeighted({ cutoff: 0.5, farthest: 1.4 });
  const { anchors, positives, negatives } = miner({ embeddings: Float32Array.from(X.flatMap(image)), dimensions: 2, labels: Int32Array.from(LABELS), random: tools.random.split('miner') });
  return Array.from(anchors, (anchor, i) => [anchor, positives[i]!, negatives[i]!]);
}

/** Loss of triplets of inputs, and its gradient by the kernel `[D][k]`, by plain loops; means are over terms above zero. */
function byHand(loss: RobustDmlOptions['loss'], triples: readonly (readonly [a: readonly number[], p: readonly number[], n: readonly number[]])[]): { value: number; gradient: number[] } {
  /** A distance in the image and its slope: (a - b)' (a - b)K / |(a - b)K|. */
  const term = (a: readonly number[], b: readonly number[]): { value: number; slope: number[] } => {
    const [gap, mapped] = [minus(a, b), image(minus(a, b))];
    return { value: Math.hypot(...mapped), slope: gap.flatMap((x) => mapped.map((y) => (x * y) / Math.hypot(...mapped))) };
  };
  const mean = (terms: readonly { value: number; slope: number[] }[]): { value: number; gradient: number[] } => {
    const counted = terms.filter(({ value }) => value > 0);
    const share = (pick: (term: { value: number; slope: number[] }) => number): number => (counted.length === 0 ? 0 : counted.reduce((total, one) => total + pick(one), 0) / counted.length);
    return { value: share(({ value }) => value), gradient: [0, 1, 2, 3].map((k) => share(({ slope }) => slope[k]!)) };
  };
  const [near, far] = [triples.map(([a, p]) => term(a, p)), triples.map(([a, , n]) => term(a, n))];
  // Sheet, "Natural training": margins 0 and 1 of the contrastive loss, 0.2 of the triplet loss.
  if (loss === 'triplet') return mean(near.map((one, i) => ({ value: one.value - far[i]!.value + 0.2, slope: minus(one.slope, far[i]!.slope) })));
  const [drawn, pushed] = [mean(near), mean(far.map(({ value, slope }) => ({ value: 1 - value, slope: slope.map((x) => -x) })))];
  return { value: drawn.value + pushed.value, gradient: drawn.gradient.map((x, k) => x + pushed.gradient[k]!) };
}

describe('the loss on a linear map', () => {
  it.each(['contrastive', 'triplet'] as const)('%s: without attacks, and with a budget of zero, is the natural loss on the same triplets', async (loss) => {
    for (const options of [{ rate: 0 }, { eps: 0 }]) {
      await onLinearMap({ loss, ...options }, async (objective, tools) => {
        const triples = minedIn(tools);
        expect(triples).toHaveLength(4);
        expect(tools.attacks).toHaveLength('rate' in options ? 0 : 1);
        const natural = byHand(loss, triples.map(([a, p, n]) => [X[a]!, X[p]!, X[n]!])).value;
        expect(natural).toBeGreaterThan(0.1);
        expect(await lossOf(objective)).toBeCloseTo(natural, 5);
      });
    }
    const [none, still] = [await onLinearMap({ loss, rate: 0 }, lossOf), await onLinearMap({ loss, eps: 0 }, lossOf)];
    expect(still).toBe(none);
  });

  it.each(ROLES.flatMap((role) => (['contrastive', 'triplet'] as const).map((loss) => [loss, role] as const)))('%s, %s: gradients reach clean and perturbed members', async (loss, role) => {
    await onLinearMap({ loss, role }, async (objective, tools, model) => {
      const moved = (await tools.attacks[0]!.adversarial.array()) as number[][];
      const triples = minedIn(tools).map(([a, p, n], i): [number[], number[], number[]] => (role === 'anchor' ? [moved[i]!, X[p]!, X[n]!] : role === 'positive' ? [X[a]!, moved[i]!, X[n]!] : [X[a]!, X[p]!, moved[i]!]));
      const expected = byHand(loss, triples);
      const { loss: value, gradients } = await lossAndGradients(objective, model);
      expect(value).toBeCloseTo(expected.value, 5);
      // The kernel; the bias moves all embeddings alike, and no distance.
      (await numbersOf(gradients[0]!)).forEach((slope, k) => expect(slope).toBeCloseTo(expected.gradient[k]!, 4));
      for (const slope of await numbersOf(gradients[1]!)) expect(slope).toBeCloseTo(0, 5);
      dispose([...gradients]);
    });
  });
});

it.each([
  ['positive', { anchors: [0, 1, 2], positives: [4, 2, 5], negatives: [6, 7, 8] }],
  ['negative', { anchors: [0, 1, 2], positives: [1, 2, 3], negatives: [4, 7, 5] }],
  ['anchor', { anchors: [4, 1, 5], positives: [1, 2, 3], negatives: [6, 7, 8] }],
] as const)('only the %s of the triplets that were attacked is redirected, to rows behind the clean ones', (role, expected) => {
  const triplets = { anchors: Int32Array.of(0, 1, 2), positives: Int32Array.of(1, 2, 3), negatives: Int32Array.of(6, 7, 8) };
  const found = redirected(triplets, Int32Array.of(0, 2), role, 4);
  expect({ anchors: [...found.anchors], positives: [...found.positives], negatives: [...found.negatives] }).toEqual(expected);
});

describe.each(ROLES)('a perturbed %s on a linear map', (role) => {
  it('moves as its role says, within the budget', async () => {
    await onLinearMap({ role }, async (_objective, tools) => {
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
