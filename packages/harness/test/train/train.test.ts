import { readdir, readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { plugin as advprop } from '@robustjs/advprop';
import { startWasm } from '@robustjs/backend-wasm';
import { type Model, modelOf } from '@robustjs/core';
import { loadMnistDigits, take } from '@robustjs/datasets';
import { cast, fill, memory, oneHot, tidy } from '@tensorflow/tfjs-core';
import { plugin as pgdAt } from '@robustjs/pgd-at';
import { plugin as trades } from '@robustjs/trades';
import { beforeAll, describe, expect, it } from 'vitest';
import { accuracyOn } from '../../src/train/accuracy.ts';
import { type LoadedMethod, train, type Trained, type TrainingProgress } from '../../src/train/index.ts';
import { digits, standard, temporaryFolders, tinyRecipe } from './support.ts';

beforeAll(() => startWasm());
const temporary = temporaryFolders();

const methods: LoadedMethod[] = [
  standard,
  { ...standard, id: 'pgd-at', defense: pgdAt.create(pgdAt.options.parse({ steps: 1, eps: 0.1 })) },
  { ...standard, id: 'advprop', defense: advprop.create(advprop.options.parse({ steps: 1, eps: 0.1 })) },
  { ...standard, id: 'trades', defense: trades.create(trades.options.parse({ steps: 1, eps: 0.1 })) },
];

const release = ({ network, model }: Trained): void => {
  network.dispose();
  model.dispose();
};

describe('training', () => {
  it('learns 512 real digits: the loss falls and more than 80 % are right', async () => {
    const data = await digits(512);
    const recipe = tinyRecipe({ epochs: 3, batchSize: 32, learningRate: 0.05 }, { widths: [8, 16] });
    const progress: TrainingProgress[] = [];
    const trained = await train({ recipe, data, method: standard, onProgress: (at) => progress.push(at) });
    const losses = trained.curves.map(({ loss }) => loss);
    expect(losses[2]).toBeLessThan(losses[0]! / 2);
    expect(await accuracyOn(trained.network, trained.deployedRoute, data.train)).toBeGreaterThan(0.8);
    expect(trained.curves.at(-1)!.validation!.clean).toBeGreaterThan(0.8);
    expect(trained.curves.map(({ step, epoch }) => [step, epoch])).toEqual([[16, 1], [32, 2], [48, 3]]);
    expect(progress.at(-1)).toMatchObject({ kind: 'train', step: 48, steps: 48, examples: 1536 });
    expect(progress).toHaveLength(48);
    // The mean over the epoch of what each step told, all batches being of one size.
    const first = progress.slice(0, 16).reduce((sum, { loss }) => sum + loss, 0) / 16;
    expect(losses[0]).toBeCloseTo(first, 12);
    expect(trained.gradientCalls).toBe(1536);
    release(trained);
  });

  it.each(methods)('$id leaves nothing behind but the network, and repeats itself to the bit', async (method) => {
    const data = await digits(72);
    const recipe = tinyRecipe({ epochs: 2, ema: 0.9, clipNorm: 1, optimizer: { id: 'adam' }, shards: 2, learningRate: 0.01 });
    const before = memory().numTensors;
    const first = await train({ recipe, data, method, checkpointDir: await temporary(), checkpointEverySteps: 2 });
    expect(memory().numTensors - before).toBe(first.network.parameters.length + first.network.buffers.length);
    release(first);
    expect(memory().numTensors).toBe(before);
    const second = await train({ recipe, data, method });
    release(second);
    expect(second.weightsSha256).toBe(first.weightsSha256);
    expect(second.curves).toEqual(first.curves);
  });

  it('deploys the averaged weights and validates them', async () => {
    const data = await digits(64);
    const shas = [];
    for (const ema of [undefined, 0, 0.999]) {
      const trained = await train({ recipe: tinyRecipe({ epochs: 2, ...(ema !== undefined && { ema }) }), data, method: standard });
      shas.push(trained.weightsSha256);
      expect(trained.curves.at(-1)!.validation!.clean).toBe(await accuracyOn(trained.model, trained.deployedRoute, data.validation));
      release(trained);
    }
    // With a decay of 0 the average is the live network.
    expect(shas[1]).toBe(shas[0]);
    expect(shas[2]).not.toBe(shas[0]);
  });

  it('deploys what the method wraps around the network', async () => {
    const data = await digits(32);
    let inner: Model | undefined;
    const wrap = (model: Model): Model => {
      inner = model;
      return { ...modelOf((x) => model.forward(x, { train: false, route: { kind: 'one', branch: 'main' } }), model), parameters: model.parameters, buffers: model.buffers };
    };
    const trained = await train({ recipe: tinyRecipe({}), data, method: { ...standard, defense: { wrap } } });
    expect(inner).toBe(trained.network);
    expect(trained.model).not.toBe(trained.network);
    release(trained);
  });

  it('refuses data without examples', async () => {
    const data = await digits(0);
    await expect(train({ recipe: tinyRecipe({}), data, method: standard })).rejects.toMatchObject({ code: 'RJS_TRAINING_DATA' });
  });
});

it('accuracy is the share of rows classified right in evaluation mode, over all batches, the uneven last one included', async () => {
  // More than one batch of 256.
  const all = take((await loadMnistDigits()).train, 600, 0);
  const before = memory().numTensors;
  // It says class 3 of every input, and class 0 to whoever asks in training mode or by another branch.
  const model: Model = {
    ...modelOf((x) => x, { inputShape: [28, 28, 1] }),
    forward: (x, { train: training, route }) => {
      const says = !training && route.kind === 'one' && route.branch === 'asked' ? 3 : 0;
      return tidy(() => cast(oneHot(fill([x.shape[0]], says, 'int32'), 10), 'float32'));
    },
  };
  for (const dataset of [all, take(all, 100, 0)]) {
    expect(await accuracyOn(model, { kind: 'one', branch: 'asked' }, dataset)).toBe(dataset.labels.filter((label) => label === 3).length / dataset.size);
  }
  expect(memory().numTensors).toBe(before);
});

describe('a run that stops', () => {
  const recipe = tinyRecipe({ epochs: 2, ema: 0.9, optimizer: { id: 'adam' }, learningRate: 0.01 });
  const method = methods[1]!;

  it('writes a checkpoint when aborted, and goes on to the same bits', async () => {
    const data = await digits(100);
    const whole = await train({ recipe, data, method, checkpointDir: await temporary() });
    release(whole);
    const before = memory().numTensors;
    const folder = await temporary();
    const steps: number[] = [];
    // Stopped after steps 1, 3 and 5, in the middle of epochs and at the end of one; the second time between attack steps.
    for (const last of [1, 3, 5]) {
      const stop = new AbortController();
      const onProgress = ({ step }: TrainingProgress): void => {
        steps.push(step);
        if (step === last) setImmediate(() => stop.abort());
      };
      await expect(train({ recipe, data, method, checkpointDir: folder, signal: stop.signal, onProgress })).rejects.toMatchObject({ code: 'RJS_ABORTED' });
      expect(await readdir(folder)).toContain('checkpoint.safetensors');
      expect(memory().numTensors).toBe(before);
    }
    const resumed = await train({ recipe, data, method, checkpointDir: folder, onProgress: ({ step }) => steps.push(step) });
    expect(resumed.weightsSha256).toBe(whole.weightsSha256);
    expect(resumed.curves).toEqual(whole.curves);
    expect(resumed.gradientCalls).toBe(whole.gradientCalls);
    // No step was done twice: nothing was lost.
    expect(steps).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    release(resumed);
  });

  it('stops inside an attack', async () => {
    const data = await digits(32);
    const before = memory().numTensors;
    const stop = new AbortController();
    const inner = pgdAt.create(pgdAt.options.parse({ steps: 3, eps: 0.1 }));
    let ended = false;
    const stopping: LoadedMethod = {
      ...standard,
      defense: {
        async objective(model, batch, tools) {
          stop.abort();
          const objective = await inner.objective!(model, batch, tools);
          ended = true;
          return objective;
        },
      },
    };
    const running = train({ recipe, data, method: stopping, signal: stop.signal });
    await expect(running).rejects.toMatchObject({ code: 'RJS_ABORTED' });
    expect(ended).toBe(false);
    expect(memory().numTensors).toBe(before);
  });

  it('gives a finished run back without another step', async () => {
    const data = await digits(64);
    const folder = await temporary();
    const first = await train({ recipe, data, method, checkpointDir: folder });
    const again = await train({ recipe, data, method, checkpointDir: folder, onProgress: () => expect.unreachable() });
    expect({ ...again, network: 0, model: 0, seconds: 0 }).toEqual({ ...first, network: 0, model: 0, seconds: 0 });
    release(first);
    release(again);
  });

  it('falls back to the previous checkpoint when the latest is damaged, with the same bits', async () => {
    const data = await digits(100);
    const folder = await temporary();
    const first = await train({ recipe, data, method, checkpointDir: folder, checkpointEverySteps: 3 });
    release(first);
    const latest = join(folder, 'checkpoint.safetensors');
    const whole = await readFile(latest);
    await truncate(latest, whole.length / 2);
    const steps: number[] = [];
    const second = await train({ recipe, data, method, checkpointDir: folder, checkpointEverySteps: 3, onProgress: ({ step }) => steps.push(step) });
    release(second);
    // Of 8 steps, checkpoints came after 3, 6 and 8.
    expect(steps).toEqual([7, 8]);
    expect(second.weightsSha256).toBe(first.weightsSha256);
    expect(await readFile(latest)).toEqual(whole);
  });

  it('refuses the checkpoint of another recipe, and leaves nothing behind', async () => {
    const data = await digits(64);
    const folder = await temporary();
    release(await train({ recipe, data, method, checkpointDir: folder }));
    const before = memory().numTensors;
    const other = tinyRecipe({ epochs: 2, ema: 0.9, optimizer: { id: 'adam' }, learningRate: 0.02 });
    await expect(train({ recipe: other, data, method, checkpointDir: folder })).rejects.toMatchObject({ code: 'RJS_CHECKPOINT' });
    expect(memory().numTensors).toBe(before);
  });

  it('says when training blows up, and keeps what was done before', async () => {
    const data = await digits(100);
    const before = memory().numTensors;
    const folder = await temporary();
    const wild = tinyRecipe({ epochs: 3, learningRate: 1e30, optimizer: { id: 'sgd' }, schedule: { id: 'constant' } });
    const running = train({ recipe: wild, data, method: standard, checkpointDir: folder });
    await expect(running).rejects.toMatchObject({ code: 'RJS_DIVERGED', message: expect.stringMatching(/training step \d+, got loss .* at learning rate 1e\+30 \(lower training\.learningRate/) as string });
    expect(await readdir(folder)).toEqual(['checkpoint.safetensors']);
    expect(memory().numTensors).toBe(before);
  });
});
