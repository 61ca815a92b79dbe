import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startWasm } from '@robustjs/backend-wasm';
import { memory } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Recipe } from '../../src/recipe.ts';
import { loadMethod, type LoadedMethod, train, type TrainOptions } from '../../src/train/index.ts';
import { variablesOf, buildModel } from '../../src/train/model.ts';
import type { ShardSetup } from '../../src/train/shard-job.ts';
import { open } from '../../src/train/shard-work.ts';
import { sharedWords, sizeOf } from '../../src/train/shared-memory.ts';
import { trainingWorkers } from '../../src/train/workers.ts';
import { digits, standard, temporaryFolders, tinyRecipe } from './support.ts';

beforeAll(() => startWasm());
const temporary = temporaryFolders();
const here = fileURLToPath(new URL('.', import.meta.url));

// Threads run the built package, as users do.
const built = existsSync(new URL('../../dist/train/shard-work.js', import.meta.url));

/** Batches of 32 and one of 4, in four shards; batch norm, Adam, an average and clipping all see them. */
const recipeOf = (method: object): Recipe =>
  tinyRecipe({ epochs: 2, shards: 4, ema: 0.9, clipNorm: 1, optimizer: { id: 'adam' }, learningRate: 0.01 }, { method });

/** Everything a training leaves: the whole checkpoint, weights, curves and counts. */
async function bytesOf(recipe: Recipe, options: Partial<TrainOptions> & { folder?: string } = {}): Promise<{ checkpoint: Buffer; weights: string; curves: unknown; calls: number; notes: string[] }> {
  const folder = options.folder ?? (await temporary());
  const notes: string[] = [];
  const before = memory().numTensors;
  const data = await digits(100);
  const { network, model, weightsSha256, curves, gradientCalls } = await train({
    recipe, data, method: await loadMethod(recipe.method, here), checkpointDir: folder, onNote: (note) => notes.push(note), ...options,
  });
  network.dispose();
  model.dispose();
  expect(memory().numTensors).toBe(before);
  return { checkpoint: await readFile(join(folder, 'checkpoint.safetensors')), weights: weightsSha256, curves, calls: gradientCalls, notes };
}

describe.skipIf(!built)('training in threads (skipped where the package is not built)', () => {
  it.each([
    ['@robustjs/pgd-at', [2], { steps: 2, eps: 0.1 }],
    ['@robustjs/trades', [2], { steps: 1, eps: 0.1 }],
    ['@robustjs/advprop', [2, 4], { steps: 1, eps: 0.1, targeted: true }],
  ] as const)('%s ends with the same bytes in 1 and %j', async (name, counts, options) => {
    const recipe = recipeOf({ package: name, options });
    const { notes, ...one } = await bytesOf(recipe);
    expect(notes).toEqual([]);
    for (const workers of counts) {
      const { notes: told, ...several } = await bytesOf(recipe, { workers });
      expect(several).toEqual(one);
      expect(told).toEqual([`trains in ${workers} threads`]);
    }
  });

  it.each([
    ['exit', 'it ended with status 9'],
    ['throw', 'Error: thrown beside the job'],
  ])('a thread that dies by %s in the middle of a shard changes nothing', async (way, cause) => {
    const method = { package: './dying-method.mjs', options: { marker: join(await temporary(), 'death'), deaths: 1, way } };
    const { notes: _, ...one } = await bytesOf(recipeOf(method));
    const { notes, ...several } = await bytesOf(recipeOf(method), { workers: 2 });
    expect(several).toEqual(one);
    expect(notes).toEqual(['trains in 2 threads', expect.stringContaining(cause)]);
  });

  it('ends with the cause when two threads die of a shard, after a checkpoint of its last step', async () => {
    const folder = await temporary();
    const method = { package: './dying-method.mjs', options: { marker: join(folder, 'death'), deaths: 99 } };
    const failed = bytesOf(recipeOf(method), { workers: 2, folder });
    await expect(failed).rejects.toMatchObject({ code: 'RJS_REPLICA', message: expect.stringContaining('it ended with status 9') as string });
  });

  it("passes on a method's own error", async () => {
    const method = { package: './dying-method.mjs', options: { marker: join(await temporary(), 'death'), deaths: 99, way: 'refuse' } };
    await expect(bytesOf(recipeOf(method), { workers: 2 })).rejects.toMatchObject({ name: 'RobustError', code: 'RJS_TEST', message: 'Expected rows, got others (none)' });
  });

  it('stops when asked to, and goes on with another number to the same bytes', async () => {
    const recipe = recipeOf({ package: '@robustjs/advprop', options: { steps: 3, eps: 0.1 } });
    const { notes: _, ...whole } = await bytesOf(recipe);
    const folder = await temporary();
    for (const [workers, last] of [[2, 2], [1, 4], [4, 7]] as const) {
      const stop = new AbortController();
      const onProgress = ({ step }: { step: number }): void => void (step === last && setTimeout(() => stop.abort(), 3));
      await expect(bytesOf(recipe, { workers, folder, signal: stop.signal, onProgress })).rejects.toMatchObject({ code: 'RJS_ABORTED' });
    }
    const { notes: __, ...rest } = await bytesOf(recipe, { workers: 2, folder });
    expect(rest).toEqual(whole);
  });

  it('keeps a method with hooks in one thread, and says so', async () => {
    const recipe = recipeOf({ package: './dying-method.mjs', options: { hook: true } });
    const { notes: _, ...one } = await bytesOf(recipe);
    const { notes, ...several } = await bytesOf(recipe, { workers: 2 });
    expect(several).toEqual(one);
    expect(notes).toEqual(["trains in one thread: dying changes weights around the optimizer's step"]);
  });
});

it('takes no more threads than there are shards, and one where shards cannot be sent', () => {
  const loaded: LoadedMethod = { ...standard, from: here };
  const hooked: LoadedMethod = { ...loaded, defense: { after: async () => {} } };
  const count = (workers: number, shards: number, method = loaded): number => trainingWorkers(workers, tinyRecipe({ shards }).training, method).count;
  expect([count(1, 4), count(2, 4), count(8, 4), count(8, 1), count(0, 4)]).toEqual([1, 2, 4, 1, 1]);
  expect([count(4, 4, hooked), count(4, 4, standard)]).toEqual([1, 1]);
});

it('leaves no tensors behind in a thread', async () => {
  const recipe = recipeOf({ package: '@robustjs/trades', options: { steps: 1, eps: 0.1 } });
  const { train: examples } = await digits(8);
  const method = await loadMethod(recipe.method, here);
  const shape = { inputShape: examples.inputShape, classes: examples.classes };
  const sample = buildModel(recipe, shape, method);
  const { parameters, buffers } = variablesOf(sample);
  sample.network.dispose();
  const memoryOf = { weights: sharedWords(sizeOf([...parameters, ...buffers])), gradients: sharedWords(4 * sizeOf(parameters)), inputs: sharedWords(32 * 784), labels: sharedWords(32), ids: sharedWords(32) };
  const { variant } = await startWasm();
  const before = memory().numTensors;
  const work = await open({ recipe, from: here, variant, shape, steps: 8, memory: memoryOf } satisfies ShardSetup);
  const opened = memory().numTensors;
  for (const [step, shard] of [[0, 0], [0, 1], [1, 0]] as const) {
    await work.run({ step, shard, start: 0, count: 8 }, () => {}, new AbortController().signal);
    expect(memory().numTensors).toBe(opened);
  }
  work.close();
  expect(memory().numTensors).toBe(before);
  await expect(open({ recipe, from: here, variant: 'another', shape, steps: 8, memory: memoryOf })).rejects.toMatchObject({ code: 'RJS_RUNTIME' });
});
