import { fgsm, noise, pgd } from '@robustjs/attacks';
import { startWasm } from '@robustjs/backend-wasm';
import { evaluation, type Model } from '@robustjs/core';
import { memoryDataset } from '@robustjs/datasets';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { entrySchema, evaluate, evaluateDataset, type EvaluationProgress } from '../../src/evaluate/index.ts';
import { SHAPE, stripes, through, trainedModel } from './fixtures.ts';

let model: Model;
const { images, labels } = stripes(90);
const quick = { checks: 'quick', eps: 0.1, attacks: [noise({ draws: 10 }), fgsm(), pgd({ steps: 5 })], curve: { eps: [0, 0.05, 0.1, 0.3], attack: pgd({ steps: 4 }), examples: 40 } } as const;

beforeAll(async () => {
  await startWasm();
  model = await trainedModel();
});
afterAll(() => model.dispose());

const reversed = <T>(list: ArrayLike<T>): T[] => Array.from(list).reverse();

describe('evaluate', () => {
  it('gives the full record in one call, and leaks nothing', async () => {
    const before = tf.memory().numTensors;
    const entry = await evaluate(model, images, labels, { norm: 'Linf', eps: '8/255', checks: 'quick' });
    expect(tf.memory().numTensors).toBe(before);
    expect(entrySchema.safeParse(entry).success).toBe(true);
    expect(entry.evaluations[0]!.attacks.map(({ id }) => id)).toEqual(['noise', 'fgsm', 'pgd', 'pgd-margin']);
    expect(entry.evaluations[0]!.attacks.map(({ config }) => config['objective'])).toEqual([undefined, 'cross-entropy', 'cross-entropy', 'margin']);
    expect(entry.curve!.points.map(({ eps }) => eps)).toEqual([0, 0.25, 0.5, 1, 2, 4, 8].map((m) => (m * 8) / 255));
    expect(entry.dataset).toMatchObject({ id: 'custom', n: 90 });
    expect(entry.runtime.id).toBe('wasm');
  });

  it('trips no check on a sound model', async () => {
    const entry = await evaluate(model, images, labels, quick);
    expect(entry.sanity.map(({ id }) => id)).toEqual(Array.from({ length: 30 }, (_, i) => `S${String(i + 1).padStart(2, '0')}`));
    expect(entry.sanity.filter(({ status }) => status === 'fail')).toEqual([]);
    expect(entry).toMatchObject({ unreliable: false });
    expect(entry.refused).toBeUndefined();
    expect(entry.flags).toContain('small-sample');
  });

  // Plain loop: predictions of the model itself, counted here.
  it('counts what is wrong from the start as broken', async () => {
    const wrong = labels.map((label, i) => (i < 30 ? (label + 1) % 3 : label));
    const x = tf.tensor(images, [90, ...SHAPE]);
    const predicted = await tf.argMax(model.forward(x, evaluation()), 1).data();
    const correct = wrong.filter((label, i) => label === predicted[i]).length;
    const entry = await evaluate(model, x, wrong, { ...quick, eps: 0 });
    expect(entry.clean.correct).toBe(correct);
    expect(correct).toBeLessThanOrEqual(60);
    expect(entry.evaluations[0]!.robust).toMatchObject({ correct, n: 90 });
  });

  it('takes a worst case example by example', async () => {
    const { entry, examples } = await evaluateDataset(model, dataset(), quick);
    const [{ attacks, robust }] = entry.evaluations as [(typeof entry.evaluations)[0]];
    expect(robust.correct).toBe(entry.clean.correct - attacks.at(-1)!.brokenUnion);
    expect(attacks.at(-1)!.brokenUnion).toBeGreaterThanOrEqual(Math.max(...attacks.map(({ brokenAlone }) => brokenAlone)));
    expect(examples.filter(({ outcomes }) => outcomes[0]!.robust).length).toBe(robust.correct);
    expect(examples.every(({ clean, outcomes }) => clean || !outcomes[0]!.robust)).toBe(true);
    expect(robust.correct).toBeLessThan(entry.clean.correct);
    const curve = entry.curve!.points.map(({ correct }) => correct);
    expect(curve).toEqual([...curve].sort((a, b) => b - a));
  });

  it('gives the same bytes whatever the batch size and the order', async () => {
    const first = await evaluate(model, images, labels, { ...quick, ids: labels.map((_, i) => i), batchSize: 90 });
    const rows = reversed(Array.from({ length: 90 }, (_, i) => images.subarray(i * 36, (i + 1) * 36)));
    const turned = Float32Array.from(rows.flatMap((row) => [...row]));
    const second = await evaluate(model, turned, reversed(labels), { ...quick, ids: reversed(labels.map((_, i) => i)), batchSize: 7 });
    expect(JSON.stringify(second)).toBe(JSON.stringify(first));
  });

  it('attacks a part of the examples, the same whatever the seed', async () => {
    const part = { ...quick, clean: 60, attacked: 20 };
    const a = await evaluateDataset(model, dataset(), { ...part, seed: 0 });
    const b = await evaluateDataset(model, dataset(), { ...part, seed: 1 });
    expect(a.entry.evaluations[0]!.robust.n).toBe(20);
    expect(a.entry.clean.n).toBe(60);
    expect(b.entry.dataset.sha256).toBe(a.entry.dataset.sha256);
    expect(b.examples.map(({ id }) => id)).toEqual(a.examples.map(({ id }) => id));
    expect(a.examples.filter(({ outcomes }) => outcomes.length > 0).length).toBe(20);
  });

  it('returns pictures that stay in the ball, and times apart from the record', async () => {
    const { pictures, seconds } = await evaluateDataset(model, dataset(), { ...quick, pictures: 3 });
    expect(pictures.length).toBe(3);
    for (const { clean, adversarial } of pictures) {
      expect(Math.max(...clean.map((value, i) => Math.abs(value - adversarial[i]!)))).toBeLessThanOrEqual(0.1 + 1e-6);
    }
    expect(Object.keys(seconds)).toEqual(['clean', 'attacks', 'curve', 'sanity']);
  });

  it('evaluates several budgets and reports progress', async () => {
    const seen: EvaluationProgress[] = [];
    const entry = await evaluate(model, images, labels, { ...quick, eps: [0.05, 0.2], curve: false, onProgress: (p) => seen.push(p) });
    expect(entry.evaluations.map(({ threat }) => threat.eps)).toEqual([0.05, 0.2]);
    expect(entry.evaluations[1]!.robust.correct).toBeLessThanOrEqual(entry.evaluations[0]!.robust.correct);
    expect(entry.curve).toBeUndefined();
    expect(new Set(seen.map(({ part }) => part))).toEqual(new Set(['clean', 'attack', 'sanity']));
  });

  it('stops when asked to, and leaks nothing', async () => {
    const controller = new AbortController();
    const before = tf.memory().numTensors;
    const stopped = evaluate(model, images, labels, { ...quick, signal: controller.signal, onProgress: () => controller.abort() });
    await expect(stopped).rejects.toMatchObject({ code: 'RJS_ABORTED' });
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('foreign models', () => {
  it('evaluates a tf.LayersModel as the network it was copied from', async () => {
    const layers = await import('@tensorflow/tfjs-layers');
    const plain = layers.sequential({ layers: [layers.layers.flatten({ inputShape: SHAPE }), layers.layers.dense({ units: 3 })] });
    const [kernel, bias] = plain.getWeights() as [tf.Tensor2D, tf.Tensor1D];
    const reference = await evaluate((x) => tf.add(tf.matMul(tf.reshape(x, [-1, 36]), kernel), bias), images, labels, { ...quick, inputShape: SHAPE });
    const before = tf.memory().numTensors;
    const entry = await evaluate(plain, images, labels, quick);
    expect(tf.memory().numTensors).toBe(before);
    expect(entry.model).toMatchObject({ parameters: 36 * 3 + 3, inputShape: SHAPE });
    expect(entry.model.weightsSha256).toMatch(/^[0-9a-f]{64}$/);
    expect(entry.evaluations).toEqual(reference.evaluations);
    expect(reference.model.weightsSha256).toBeNull();
    expect(reference.sanity[0]).toMatchObject({ id: 'S01', status: 'skipped' });
    plain.dispose();
  });

  it('evaluates a tf.GraphModel as the function it computes', async () => {
    const { loadGraphModel } = await import('@tensorflow/tfjs-converter');
    const kernel = tf.randomNormal<tf.Rank.R2>([36, 3], 0, 0.5, 'float32', 4);
    const float = { dtype: { type: 'DT_FLOAT' } };
    const shape = (...sizes: number[]) => ({ shape: { shape: { dim: sizes.map((size) => ({ size: String(size) })) } } });
    const graph = await loadGraphModel({
      load: async () => ({
        modelTopology: {
          versions: { producer: 1 },
          node: [
            { name: 'x', op: 'Placeholder', input: [], attr: { ...float, ...shape(-1, 36) } },
            { name: 'w', op: 'Const', input: [], attr: { ...float } },
            { name: 'y', op: 'MatMul', input: ['x', 'w'], attr: {} },
          ],
        },
        weightSpecs: [{ name: 'w', shape: [36, 3], dtype: 'float32' as const }],
        weightData: Float32Array.from(await kernel.data()).buffer,
      }),
    });
    const reference = await evaluate((x) => tf.matMul(x, kernel), images, labels, { ...quick, inputShape: [36] });
    const before = tf.memory().numTensors;
    const entry = await evaluate(graph, images, labels, quick);
    expect(tf.memory().numTensors).toBe(before);
    expect(entry.model).toMatchObject({ inputShape: [36], parameters: 108 });
    expect(entry.evaluations).toEqual(reference.evaluations);
    graph.dispose();
  });

  it('takes the shape from the images where a model leaves it open', async () => {
    const open = { inputs: [{ shape: [null, null, null, 1] }], predict: (x: tf.Tensor) => model.forward(x, evaluation()) };
    const x = tf.tensor(images, [90, ...SHAPE]);
    const entry = await evaluate(open, x, tf.tensor1d(labels, 'int32'), quick);
    expect(entry.model.inputShape).toEqual(SHAPE);
  });

  it('refuses an Linf budget beyond the width of the inputs, which gray levels taken for shares give', async () => {
    await expect(evaluate(model, images, labels, { ...quick, eps: 8, curve: false })).rejects.toThrow(/at most 1,.*got 8 .*8\/255, which is 0\.0314/);
    const bytes = (x: tf.Tensor): tf.Tensor => model.forward(tf.div(x, 255), evaluation());
    const entry = await evaluate(bytes, images.map((v) => v * 255), labels, { ...quick, eps: 8, curve: false, bounds: [0, 255], inputShape: SHAPE });
    expect(entry.evaluations[0]!.threat.eps).toBe(8);
  });

  it('evaluates under L1', async () => {
    const entry = await evaluate(model, images, labels, { ...quick, norm: 'L1', eps: 2, attacks: [noise({ draws: 5 }), pgd({ steps: 20 })], curve: false });
    expect(entry.sanity.filter(({ status }) => status === 'fail')).toEqual([]);
    expect(entry.evaluations[0]!.robust.correct).toBeLessThan(entry.clean.correct);
  });

  it('evaluates under L2 and in other bounds', async () => {
    const bytes = through(model, (x, logitsOf) => logitsOf(tf.div(x, 255)));
    const small = await evaluate(model, images, labels, { ...quick, norm: 'L2', eps: 0.5, curve: false });
    const large = await evaluate((x) => bytes.forward(x, evaluation()), images.map((v) => v * 255), labels, { ...quick, norm: 'L2', eps: 127.5, curve: false, bounds: [0, 255], inputShape: SHAPE });
    expect(small.evaluations[0]!.threat.type).toBe('L2');
    expect(large.model.bounds).toEqual([0, 255]);
    // Rounding aside, scaling inputs and budget alike changes nothing.
    expect(Math.abs(large.evaluations[0]!.robust.correct - small.evaluations[0]!.robust.correct)).toBeLessThanOrEqual(1);
    expect(large.refused).toBeUndefined();
  });
});

const dataset = () => memoryDataset({ id: 'stripes', split: 'test', inputShape: SHAPE, classes: 3, images, labels });
