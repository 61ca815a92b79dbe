import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startWasm } from '@robustjs/backend-wasm';
import { randomStream } from '@robustjs/core';
import { loadMnistDigits, type BenchmarkParts } from '@robustjs/datasets';
import { namedVariable } from '@robustjs/nn';
import { memory, tensor1d } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { MetricRecipe } from '../../src/metric-recipe.ts';
import { parseRecipe, recipeHash } from '../../src/recipe.ts';
import { aboutOf } from '../../src/run/about.ts';
import { disjointParts } from '../../src/run/disjoint-data.ts';
import { metricLearning } from '../../src/run/metric-track.ts';
import { networkHeader } from '../../src/run/network-file.ts';
import { loadMethod, type LoadedMethod, train, type TrainOptions } from '../../src/train/index.ts';
import { lossNamed, minerNamed } from '../../src/train/losses.ts';
import { optimizerOf } from '../../src/train/optimizer.ts';
import { temporaryFolders } from './support.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const results = fileURLToPath(new URL('../../../../benchmarks/results/image-classification', import.meta.url));
// Threads run the built package, as users do.
const built = existsSync(new URL('../../dist/train/shard-work.js', import.meta.url));
const temporary = temporaryFolders();

const [base] = metricLearning.arms('smoke');

/** A tiny recipe: 96 digits of four classes, three steps an epoch. */
const recipeOf = ({ training, ...rest }: { training?: object; loss?: object; method?: object } = {}): MetricRecipe =>
  parseRecipe({ ...base!.recipe, tier: 'custom', data: { ...base!.recipe.data, train: 96, validation: 30, test: 30 }, training: { ...base!.recipe.training, ...training }, ...rest }) as MetricRecipe;

let pool: Awaited<ReturnType<typeof loadMnistDigits>>['train'];
let data: BenchmarkParts;
beforeAll(async () => {
  await startWasm();
  pool = (await loadMnistDigits()).train;
  data = disjointParts(pool, recipeOf().data);
});

describe('data of the track', () => {
  it('has no class in two parts, labels from 0, and the counts asked for', () => {
    const names = (part: keyof BenchmarkParts): string[] => [...new Set(Array.from(data[part].labels, (label) => data[part].classNames![label]!))];
    const parts = [names('train'), names('validation'), names('test')];
    expect(parts.map(({ length }) => length)).toEqual([4, 3, 3]);
    expect(new Set(parts.flat()).size).toBe(10);
    expect([data.train.size, data.validation.size, data.test.size]).toEqual([96, 30, 30]);
    for (const part of [data.train, data.validation, data.test]) expect([...new Set(part.labels)].sort()).toEqual([...Array(part.classes).keys()]);
    // An example is what it was: the class of the same id in the pool.
    const at = pool.ids.indexOf(data.train.ids[5]!);
    expect(data.train.classNames![data.train.labels[5]!]).toBe(String(pool.labels[at]));
  });

  it('is the same for every seed, and refuses more classes than there are', async () => {
    const again = disjointParts(pool, { ...recipeOf().data });
    expect(await again.test.hash()).toBe(await data.test.hash());
    expect(() => disjointParts(pool, { ...recipeOf().data, classes: { train: 5, validation: 3, test: 3 } })).toThrow(/Expected 10 classes of mnist at most.*got 11/);
  });
});

describe('recipes', () => {
  it('of the entries committed keep their hashes', () => {
    const names = readdirSync(results).filter((name) => name.endsWith('.json') && name !== 'timing.json');
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) {
      const { training } = JSON.parse(readFileSync(join(results, name), 'utf8')) as { training: { recipe: unknown; recipeHash: string } };
      expect(recipeHash(parseRecipe(training.recipe))).toBe(training.recipeHash);
    }
  });

  it('refuse a batch whose shards would cut groups of a class, and fields of the other track', () => {
    expect(() => recipeOf({ training: { batchSize: 30, shards: 4 } })).toThrow(/training.batchSize.*whole groups/);
    expect(() => parseRecipe({ ...recipeOf(), track: 'image-classification' })).toThrow(/valid recipe/);
    expect(() => parseRecipe({ ...recipeOf(), track: 'tractor' })).toThrow(/'track'/);
  });

  it('leave the folder of a known data set out of hash, record and network file; of data of one\'s own only the folder says which', () => {
    const [plain] = metricLearning.arms('smoke');
    const { recipe } = plain!;
    const at = (dataDir: string, id = recipe.data.id): MetricRecipe => parseRecipe({ ...recipe, data: { ...recipe.data, id, dataDir } }) as MetricRecipe;
    expect(recipeHash(at('/home/someone/mnist'))).toBe(recipeHash(recipe));
    expect(recipeHash(at('a', 'npy'))).not.toBe(recipeHash(at('b', 'npy')));
    const method: LoadedMethod = { id: 'standard', package: 'standard', version: '', options: {}, defense: {} };
    const parts = { id: 'plain', method, data: { inputShape: [28, 28, 1], classes: 4 }, trained: { steps: 1, gradientCalls: 1 } };
    const about = aboutOf(at('/home/someone/mnist'), method, parts.trained);
    expect(about).toEqual(aboutOf(recipe, method, parts.trained));
    expect(recipeHash(parseRecipe(about.training!.recipe))).toBe(about.training!.recipeHash);
    expect(networkHeader({ ...parts, recipe: at('/home/someone/mnist') })).toEqual(networkHeader({ ...parts, recipe }));
  });

  it('name losses with the defaults of three releases, and miners with their options', () => {
    const arcface = (preset: string): unknown => lossNamed(recipeOf({ loss: { id: 'arcface', preset } }).loss).config;
    expect(arcface('mdprop')).toEqual({ margin: 0.5, scale: 16, variant: 'inert' });
    expect(arcface('roth')).toEqual({ margin: 0.5, scale: 16, variant: 'clamp' });
    expect(() => recipeOf({ loss: { id: 'arcface', preset: 'nobody' } })).toThrow(/loss.preset/);

    // Six unit vectors in the plane, two a class; counts of PyTorch Metric Learning's TripletMarginMiner.
    const angles = [0, 70, 50, 130, 110, 250].map((degrees) => (degrees * Math.PI) / 180);
    const batch = { embeddings: Float32Array.from(angles.flatMap((angle) => [Math.cos(angle), Math.sin(angle)])), dimensions: 2, labels: Int32Array.of(0, 0, 1, 1, 2, 2), random: randomStream(0) };
    const mined = (id: string, options: object): number => minerNamed(recipeOf({ loss: { id: 'triplet', miner: { id, options } } }).loss)!(batch).anchors.length;
    expect(['all', 'hard', 'semi-hard', 'easy'].map((kind) => mined('by-margin', { kind }))).toEqual([17, 15, 2, 7]);
    expect(mined('by-margin', { kind: 'easy', margin: 3 })).toBe(0);
    expect(mined('distance-weighted', { farthest: 0.2 })).toBe(0);
    expect(mined('distance-weighted', { farthest: 1.4 })).toBeGreaterThan(0);
    for (const options of [{ kind: 'most' }, {}, { kind: 'all', cutoff: 1 }]) expect(() => mined('by-margin', options)).toThrow(expect.objectContaining({ code: 'RJS_LOSS' }));
  });
});

/** Everything a training leaves. */
async function outcomeOf(recipe: MetricRecipe, options: Partial<TrainOptions> & { folder?: string } = {}): Promise<{ checkpoint: string; weights: string; values: (number | undefined)[]; losses: number[]; chosen: number | undefined; lossParameters: number }> {
  const { folder = await temporary(), ...rest } = options;
  const before = memory().numTensors;
  const { network, weightsSha256, curves, chosenEpoch } = await train({ recipe, data, method: await loadMethod(recipe.method, here), checkpointDir: folder, ...rest });
  network.dispose();
  expect(memory().numTensors).toBe(before);
  const bytes = readFileSync(join(folder, 'checkpoint.safetensors'));
  return {
    checkpoint: createHash('sha256').update(bytes).digest('hex'), weights: weightsSha256, values: curves.map(({ validation }) => validation?.clean), losses: curves.map(({ loss }) => loss), chosen: chosenEpoch,
    lossParameters: bytes.toString('latin1').split('weights/loss/class-vectors').length - 1,
  };
}

const mdprop = { package: '@robustjs/mdprop', options: { eps: 0.05, steps: 1, multiTargets: 3 } };
const arcface = { id: 'arcface', preset: 'roth' };

describe('training embeddings', () => {
  it('keeps the weights of the epoch that validation classes like best: those of a training that ends there', async () => {
    const terms = { epochs: 4, learningRate: 0.02 };
    const best = await outcomeOf(recipeOf({ training: { ...terms, keep: 'best' } }));
    const at = best.values.indexOf(Math.max(...best.values.map(Number))) + 1;
    expect(best.chosen).toBe(at);
    // The rate is constant, so a shorter training takes the same steps.
    const shorter = await outcomeOf(recipeOf({ training: { ...terms, epochs: at, keep: 'last' } }));
    expect(best.weights).toBe(shorter.weights);
    expect(shorter.chosen).toBeUndefined();
  });

  it.each([['arcface with class vectors', standardMethod(), arcface], ['mdprop', mdprop, { id: 'multi-similarity', preset: 'roth' }]])('%s goes on to the same bytes after a stop', async (_, method, loss) => {
    const recipe = recipeOf({ method, loss, training: { epochs: 3, keep: 'best' } });
    const whole = await outcomeOf(recipe);
    expect(whole.lossParameters).toBe(loss.id === 'arcface' ? 1 : 0);
    const folder = await temporary();
    for (const last of [2, 5]) {
      const stop = new AbortController();
      const onProgress = ({ step }: { step: number }): void => void (step === last && stop.abort());
      await expect(outcomeOf(recipe, { folder, signal: stop.signal, onProgress })).rejects.toMatchObject({ code: 'RJS_ABORTED' });
    }
    expect(await outcomeOf(recipe, { folder })).toEqual(whole);
  });

  it.skipIf(!built)('ends with the same bytes in one thread and in two (skipped where the package is not built)', async () => {
    const recipe = recipeOf({ method: mdprop, loss: arcface, training: { shards: 2 } });
    expect(await outcomeOf(recipe, { workers: 2 })).toEqual(await outcomeOf(recipe));
  });

  it('trains the same with a miner that takes every triplet as with none', async () => {
    const loss = { id: 'triplet', preset: 'pml' };
    const none = await outcomeOf(recipeOf({ loss }));
    const mined = await outcomeOf(recipeOf({ loss: { ...loss, miner: { id: 'all', options: {} } } }));
    const hard = await outcomeOf(recipeOf({ loss: { ...loss, miner: { id: 'batch-hard', options: {} } } }));
    mined.losses.forEach((value, i) => expect(value).toBeCloseTo(none.losses[i]!, 4));
    // Hard triplets alone have a larger mean.
    expect(hard.losses[0]!).toBeGreaterThan(none.losses[0]! + 0.01);
  });

  it.each([
    [{ id: 'hinge', preset: 'pml' }, {}, 'a loss with the defaults of pml, among contrastive'],
    [{ id: 'triplet', preset: 'pml', miner: { id: 'deep', options: {} } }, {}, 'a miner among all, random'],
    [{ id: 'triplet', preset: 'pml', miner: { id: 'hard', options: { margin: 'wide' } } }, {}, 'options that the miner hard takes'],
    [{ id: 'triplet', preset: 'pml', miner: { id: 'all', options: {} } }, { method: mdprop }, 'no miner with a method'],
  ])('refuses the loss %j', async (loss, rest, expected) => {
    const recipe = recipeOf({ loss, ...rest });
    const before = memory().numTensors;
    const method = await loadMethod(recipe.method, here);
    await expect(train({ recipe, data, method })).rejects.toMatchObject({ code: 'RJS_LOSS', message: expect.stringContaining(expected) as string });
    expect(memory().numTensors).toBe(before);
  });
});

it("moves the loss's own parameters at their own rate, and does not decay them", async () => {
  const [weight, vector] = [namedVariable('w', tensor1d([1])), namedVariable('v', tensor1d([1]))];
  const sgd = { id: 'sgd', momentum: 0, nesterov: false, weightDecay: 0.5, decayNorm: true } as const;
  const optimizer = optimizerOf(sgd, [weight, vector], { parameters: [vector], rateFactor: 10 });
  const [a, b] = [tensor1d([2]), tensor1d([2])];
  optimizer.apply([a, b], 0.01, 0);
  // By hand: 1 - 0.01 (2 + 0.5) and 1 - 0.1 * 2.
  expect((await weight.variable.data())[0]).toBeCloseTo(0.975, 6);
  expect((await vector.variable.data())[0]).toBeCloseTo(0.8, 6);
  [a, b].forEach((x) => x.dispose());
  optimizer.dispose();
  [weight, vector].forEach(({ variable }) => variable.dispose());
});

function standardMethod(): object {
  return { package: 'standard', options: {} };
}
