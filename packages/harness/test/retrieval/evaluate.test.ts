import { type Defense, MAIN, mean, type Model, modelOf, rows } from '@robustjs/core';
import { startWasm } from '@robustjs/backend-wasm';
import { loadMnistDigits, splitClasses, take } from '@robustjs/datasets';
import { normalized } from '@robustjs/metric-learning';
import { branchedNorms } from '@robustjs/nn';
import { tinyBatch, tinyNetworkFor, trainingStep } from '@robustjs/testkit';
import {
  abs, add, avgPool, concat, customGrad, expandDims, fill, greater, memory, min, mul, reshape, step, sub, sum, type Tensor, tensor2d, type Tensor2D, type Tensor4D, tidy, where, zeros,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { relabeled } from '../../src/run/disjoint-data.ts';
import { evaluateRetrieval, retrievalEntryFromJson, type EvaluatedRetrieval } from '../../src/retrieval/index.ts';
import { exampleOrder } from '../../src/evaluate/order.ts';
import { wilson } from '../../src/evaluate/wilson.ts';
import { embeddingNetwork } from '../../src/train/embedding-network.ts';

// Means over blocks of 7 x 7 pixels, scaled to length 1, as embeddings: retrieval can be recomputed from the images alone.
const blocks = (x: Tensor): Tensor2D => reshape(avgPool(x as Tensor4D, 7, 7, 'valid'), [-1, 16]);
const pixels: Model = modelOf((x) => normalized(blocks(x)), { inputShape: [28, 28, 1] });

async function digits(): Promise<Parameters<typeof evaluateRetrieval>[1]> {
  const { train } = await loadMnistDigits();
  const parts = splitClasses(train, { train: [0, 1], test: [4, 9] });
  return { train: relabeled(take(parts.train, 20, 0)), test: relabeled(take(parts.test, 40, 0)) };
}

const evaluated = (data: Awaited<ReturnType<typeof digits>>, batchSize: number): Promise<EvaluatedRetrieval> =>
  evaluateRetrieval(pixels, data, {
    id: 'pixels',
    evaluation: { norm: 'Linf', eps: [0.1, 0.3], attacks: [{ id: 'noise', options: { draws: 2 } }, { id: 'global', options: { steps: 3 } }, { id: 'margin', options: { steps: 3 } }], queries: 15, batchSize },
    loss: { id: 'none', preset: 'pml' },
    seed: 0,
    about: { method: { id: 'pixels', package: '', version: '', options: {} }, reconstruction: false, architecture: 'none', preprocessing: 'none', additionalData: false, reported: null },
    runtime: { id: 'wasm', version: '', variant: '' },
    pictures: 3,
  });

describe('evaluateRetrieval', () => {
  let data: Awaited<ReturnType<typeof digits>>;
  let result: EvaluatedRetrieval;
  beforeAll(async () => {
    await startWasm();
    data = await digits();
    const before = memory().numTensors;
    result = await evaluated(data, 100);
    expect(memory().numTensors).toBe(before);
  });

  it('recalls what plain loops over the images recall', async () => {
    const { test } = data;
    const embeddings = await Promise.all([...test.ids.keys()].map(async (row) => {
      const image = await test.read([row]);
      const values = Array.from({ length: 16 }, (_, block) => image.reduce((sum, value, p) => sum + (Math.floor(p / 196) === Math.floor(block / 4) && Math.floor((p % 28) / 7) === block % 4 ? value / 49 : 0), 0));
      const length = Math.hypot(...values);
      return values.map((value) => value / length);
    }));
    const nearest = embeddings.map((query, i) => embeddings.map((row, k) => ({ k, distance: row.reduce((sum, value, p) => sum + (value - query[p]!) ** 2, 0) })).filter(({ k }) => k !== i).sort((a, b) => a.distance - b.distance)[0]!.k);
    const right = nearest.map((k, i) => test.labels[k] === test.labels[i]);
    expect(result.entry.clean.recall1).toEqual({ correct: right.filter(Boolean).length, n: 40, ci95: wilson(right.filter(Boolean).length, 40) });
    expect(result.examples.map(({ index, clean }) => [index, clean])).toEqual(right.map((hit, row) => [row, hit]));
    const attacked = result.examples.filter(({ outcomes }) => outcomes.length > 0).map(({ index }) => index);
    expect(attacked).toEqual([...exampleOrder(test).subarray(0, 15)].sort((a, b) => a - b));
  });

  it('counts what the outcomes beside it say, worst case over attacks query by query', () => {
    const { entry } = result;
    const examples = result.examples.filter(({ outcomes }) => outcomes.length > 0);
    expect(entry.clean.recall1.correct).toBe(result.examples.filter(({ clean }) => clean).length);
    expect(entry.queries.correct).toBe(examples.filter(({ clean }) => clean).length);
    entry.evaluations.forEach(({ robust, attacks, threat }, i) => {
      expect(robust).toMatchObject({ n: 15, correct: examples.filter(({ outcomes }) => outcomes[i]!.robust).length });
      expect(attacks.at(-1)!.brokenUnion).toBe(entry.queries.correct - robust.correct);
      expect(Math.max(...attacks.map(({ brokenAlone }) => brokenAlone))).toBeLessThanOrEqual(attacks.at(-1)!.brokenUnion);
      for (const { outcomes } of examples) expect(outcomes[i]!.distances?.Linf ?? 0).toBeLessThanOrEqual(threat.eps + 1e-6);
    });
    // Pixels give way: an attack that could not break any would not be one.
    expect(entry.evaluations[1]!.robust.correct).toBeLessThan(entry.queries.correct);
  });

  it('leaves queries that are wrong at once alone', () => {
    for (const { clean, outcomes } of result.examples) if (!clean) expect(outcomes.every(({ robust, brokenBy, distances }) => !robust && brokenBy === null && distances === null)).toBe(true);
  });

  it('gives the same record whatever the batches, and one that its schema takes', async () => {
    const other = await evaluated(data, 4);
    expect(other.entry).toEqual(result.entry);
    expect(other.examples).toEqual(result.examples);
    expect(retrievalEntryFromJson(JSON.stringify(result.entry))).toEqual(result.entry);
    expect(() => retrievalEntryFromJson(JSON.stringify({ ...result.entry, queries: { correct: 9, n: 1, ci95: [0, 1] } }))).toThrow(/queries.correct/);
  });

  it('makes every check that applies, and passes those that a plain model passes', () => {
    expect(result.entry.sanity.map(({ id }) => id)).toEqual(['S01', 'S02', 'S06', 'S10', 'S13', 'S14', 'S16', 'S18', 'S19', 'S20', 'S23']);
    const failed = result.entry.sanity.filter(({ status }) => status === 'fail');
    expect(failed).toEqual([]);
  });

  it('pictures a query with its neighbours by plain distance, before and after', () => {
    for (const { before, after, clean, adversarial, label } of result.pictures) {
      expect([before.length, after.length, clean.length, adversarial.length]).toEqual([5, 5, 784, 784]);
      expect(before[0]!.label).toBe(label);
    }
    expect(result.pictures[0]!.after[0]!.label).not.toBe(result.pictures[0]!.label);
    expect(result.projection.points).toHaveLength(40);
  });
});

describe('embeddings that say nothing', () => {
  const measured = async (model: Model): Promise<EvaluatedRetrieval> =>
    evaluateRetrieval(model, await digits(), {
      id: 'dead', evaluation: { norm: 'Linf', eps: [0.1], attacks: [{ id: 'margin', options: { steps: 1 } }], queries: 6, batchSize: 10 }, loss: { id: 'none', preset: 'pml' }, seed: 0,
      about: { method: { id: 'dead', package: '', version: '', options: {} }, reconstruction: false, architecture: 'none', preprocessing: 'none', additionalData: false, reported: null },
      runtime: { id: 'wasm', version: '', variant: '' },
    });
  beforeAll(() => startWasm());

  it.each([
    ['zero', 0, { density: null, spectralDecay: null, nmi: null }],
    // All in one place: no distance inside classes, none between, one group that says nothing of classes.
    ['collapsed', 1, { density: { intra: expect.closeTo(0, 9) as number, inter: expect.closeTo(0, 9) as number, ratio: null }, spectralDecay: null, nmi: 0 }],
  ])('give a record that can be read again: %s', async (_name, constant, expected) => {
    const { entry } = await measured(modelOf((x) => normalized(add(mul(blocks(x), 0), constant)), { inputShape: [28, 28, 1] }));
    expect(entry.geometry.test).toEqual({ n: 40, ...expected });
    expect(retrievalEntryFromJson(JSON.stringify(entry))).toEqual(entry);
  });

  it('are refused where they are not finite, and nothing stays behind', async () => {
    const before = memory().numTensors;
    await expect(measured(modelOf((x) => add(blocks(x), NaN), { inputShape: [28, 28, 1] }))).rejects.toThrow(expect.objectContaining({ code: 'RJS_METRIC_EMBEDDINGS' }));
    expect(memory().numTensors).toBe(before);
  });
});

describe('a branch without rows in training', () => {
  // Rows of the second branch: all, or none, as where a batch is too small to be cut.
  const defense = (share: 0 | 1): Defense => ({
    kit: (kit) => branchedNorms(kit, [MAIN, 'other']),
    objective: async (model, { inputs, ids }, { updates }) => {
      const route = rows([{ branch: MAIN, count: ids.length }, { branch: 'other', count: share * ids.length }]);
      return { loss: () => mean(reshape(model.forward(share === 1 ? concat([inputs, inputs]) : inputs, { train: true, route, updates }), [-1])) };
    },
  });

  it.each([[0, true], [1, false]] as const)('is marked in the record: %s of its rows', async (share, untrained) => {
    await startWasm();
    const trained = defense(share);
    const network = tinyNetworkFor(trained, { inputShape: [28, 28, 1], classes: 4 });
    const batch = tinyBatch(network);
    await trainingStep(trained, network, batch);
    const { entry } = await evaluateRetrieval(embeddingNetwork(network), await digits(), {
      id: 'branches', evaluation: { norm: 'Linf', eps: [0.1], attacks: [{ id: 'margin', options: { steps: 1 } }], queries: 4, batchSize: 10 }, loss: { id: 'none', preset: 'pml' }, seed: 0,
      about: { method: { id: 'branches', package: '', version: '', options: {} }, reconstruction: false, architecture: 'none', preprocessing: 'none', additionalData: false, reported: null },
      runtime: { id: 'wasm', version: '', variant: '' },
    });
    expect(entry.branches.map(({ branch, untrained: mark }) => [branch, mark])).toEqual([[MAIN, undefined], ['other', untrained || undefined]]);
    expect(entry.flags.includes('branch-untrained')).toBe(untrained);
    // A documented value, not NaN: the record reads as it was written.
    expect(retrievalEntryFromJson(JSON.stringify(entry))).toEqual(JSON.parse(JSON.stringify(entry)));
    batch.dispose();
    network.dispose();
  });
});

it('needs to be told how other threads load the model', async () => {
  await startWasm();
  const data = await digits();
  const shared = evaluateRetrieval(pixels, data, {
    id: 'threads', evaluation: { norm: 'Linf', eps: [0.1], attacks: [{ id: 'margin', options: { steps: 1 } }], batchSize: 10 }, loss: { id: 'none', preset: 'pml' }, seed: 0, workers: 2,
    about: { method: { id: 'threads', package: '', version: '', options: {} }, reconstruction: false, architecture: 'none', preprocessing: 'none', additionalData: false, reported: null },
    runtime: { id: 'wasm', version: '', variant: '' },
  });
  await expect(shared).rejects.toThrow(expect.objectContaining({ code: 'RJS_EVALUATE_OPTION' }));
});

it('trips the check for zero gradients on a model that hides them', async () => {
  await startWasm();
  const data = await digits();
  // A step has no slope anywhere.
  const flat = modelOf((x) => normalized(step(sub(blocks(x), 0.2))), { inputShape: [28, 28, 1] });
  const { entry } = await evaluateRetrieval(flat, data, {
    id: 'flat', evaluation: { norm: 'Linf', eps: [0.1], attacks: [{ id: 'margin', options: { steps: 2 } }], queries: 10, batchSize: 10 }, loss: { id: 'none', preset: 'pml' }, seed: 0,
    about: { method: { id: 'flat', package: '', version: '', options: {} }, reconstruction: false, architecture: 'none', preprocessing: 'none', additionalData: false, reported: null },
    runtime: { id: 'wasm', version: '', variant: '' },
  });
  expect(entry.sanity.find(({ id }) => id === 'S06')).toMatchObject({ status: 'fail', value: 1 });
  expect(entry.unreliable).toBe(true);
});

it('counts a query whose embedding is not finite as lost, as plain arithmetic does', async () => {
  await startWasm();
  const data = await digits();
  const known = tensor2d(Float32Array.from((await Promise.all([...data.test.ids.keys(), ...data.train.ids.keys()].map((row, i) => (i < data.test.size ? data.test : data.train).read([row])))).flatMap((image) => [...image])), [60, 784]);
  const nowhere = (x: Tensor): Tensor => {
    const far = greater(min(sum(abs(sub(expandDims(reshape(x, [-1, 784]), 1), expandDims(known, 0))), 2), 1, true), 1e-3);
    return where(far, fill(far.shape, NaN), zeros(far.shape));
  };
  const stopped = customGrad((x) => ({ value: nowhere(x as Tensor), gradFunc: () => zerosLike(x as Tensor) }));
  const hiding = modelOf((x) => tidy(() => add(normalized(blocks(x)), stopped(x))), { inputShape: [28, 28, 1] });
  const { entry, projection } = await evaluateRetrieval(hiding, data, {
    id: 'hiding', evaluation: { norm: 'Linf', eps: [0.1], attacks: [{ id: 'margin', options: { steps: 2 } }], queries: 10, batchSize: 10 }, loss: { id: 'none', preset: 'pml' }, seed: 0,
    about: { method: { id: 'hiding', package: '', version: '', options: {} }, reconstruction: false, architecture: 'none', preprocessing: 'none', additionalData: false, reported: null },
    runtime: { id: 'wasm', version: '', variant: '' },
  });
  known.dispose();
  expect(entry.queries.correct).toBeGreaterThan(5);
  expect(entry.evaluations[0]!.robust.correct).toBe(0);
  expect(entry.sanity.find(({ id }) => id === 'S23')).toMatchObject({ status: 'pass' });
  expect(projection.moves).toEqual([]);
});
