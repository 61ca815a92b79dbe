import { startWasm } from '@robustjs/backend-wasm';
import { modelOf } from '@robustjs/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { evaluate, type EvaluateOptions, evaluateDataset } from '../../src/evaluate/index.ts';
import { memoryDataset } from '@robustjs/datasets';
import { SHAPE, stripes } from './fixtures.ts';

beforeAll(async () => {
  await startWasm();
});

const { images, labels } = stripes(6);
let forwards = 0;
const model = modelOf((x) => (forwards++, tf.tidy(() => tf.slice(tf.reshape(x, [-1, 36]), [0, 0], [-1, 3]))), { inputShape: SHAPE });
const EPS: EvaluateOptions = { eps: 0.1 };
const given = (o: Partial<EvaluateOptions>) => evaluate(model, images, labels, { ...EPS, ...o });
const function_ = (predict: (x: tf.Tensor) => unknown) => evaluate(predict as (x: tf.Tensor) => tf.Tensor, images, labels, { ...EPS, inputShape: SHAPE });

/** The call is refused with this code and these words, before the model has seen more than one image, and leaks nothing. */
async function refused(call: () => Promise<unknown>, code: string, words: RegExp): Promise<void> {
  forwards = 0;
  const before = tf.memory().numTensors;
  const error: unknown = await call().then(() => undefined, (reason: unknown) => reason);
  expect(error).toMatchObject({ name: 'RobustError', code });
  expect((error as Error).message).toMatch(words);
  expect(forwards).toBeLessThanOrEqual(1);
  expect(tf.memory().numTensors).toBe(before);
}

describe('images', () => {
  it.each([
    ['bytes', images.map((v) => Math.round(v * 255)), /divide them by 255/],
    ['normalized images', images.map((v) => (v - 0.5) / 0.25), /normalization inside the model/],
    ['images in [-1, 1]', images.map((v) => 2 * v - 1), /declare the bounds/],
  ])('%s', (_, values, words) => refused(() => evaluate(model, values, labels, EPS), 'RJS_EVALUATE_RANGE', words));

  it('not finite', () => refused(() => evaluate(model, images.map((v, i) => (i === 40 ? NaN : v)), labels, EPS), 'RJS_EVALUATE_IMAGES', /NaN at position 40/));
  it('none', () => refused(() => evaluate(model, new Float32Array(), [], EPS), 'RJS_EVALUATE_IMAGES', /at least one/));
  it('half an image', () => refused(() => evaluate(model, images.subarray(0, 54), labels, EPS), 'RJS_EVALUATE_IMAGES', /not a multiple of 36/));
  it('of another shape', async () => {
    const x = tf.zeros([6, 8, 8, 1]);
    await refused(() => evaluate(model, x, labels, EPS), 'RJS_EVALUATE_IMAGES', /\[N, 6, 6, 1\], got \[6, 8, 8, 1\]/);
    x.dispose();
  });
  it('an empty data set, or one of another shape', async () => {
    const of = (inputShape: number[], count: number) => memoryDataset({ id: 'd', split: 'test', inputShape, classes: 3, images: images.subarray(0, 36 * count), labels: labels.slice(0, count) });
    await refused(() => evaluateDataset(model, of(SHAPE, 0), EPS), 'RJS_EVALUATE_IMAGES', /empty/);
    await refused(() => evaluateDataset(model, of([36], 6), EPS), 'RJS_EVALUATE_IMAGES', /\[36\]/);
  });
});

describe('labels', () => {
  const with_ = (wrong: ArrayLike<number> | tf.Tensor) => () => evaluate(model, images, wrong, EPS);
  it('too few', () => refused(with_([0, 1]), 'RJS_EVALUATE_LABELS', /6 labels.*got 2/));
  it('one-hot as a flat list', () => refused(with_(labels.flatMap((l) => [0, 1, 2].map((k) => Number(k === l)))), 'RJS_EVALUATE_LABELS', /one-hot.*argMax/));
  it('one-hot as lists', () => refused(with_(labels.map(() => [1, 0, 0]) as unknown as number[]), 'RJS_EVALUATE_LABELS', /one-hot/));
  it('one-hot as a tensor', async () => {
    const y = tf.oneHot(tf.tensor1d(labels, 'int32'), 3);
    await refused(with_(y), 'RJS_EVALUATE_LABELS', /one-hot/);
  });
  it('negative or broken', async () => {
    await refused(with_([0, 1, -1, 0, 1, 2]), 'RJS_EVALUATE_LABELS', /got -1/);
    await refused(with_([0, 1, 0.5, 0, 1, 2]), 'RJS_EVALUATE_LABELS', /got 0.5/);
  });
  it('beyond the classes', () => refused(with_([0, 1, 7, 0, 1, 2]), 'RJS_EVALUATE_LABELS', /0 … 2.*got 7.*same classes/));
  it('from 1', () => refused(with_([1, 2, 3, 1, 2, 3]), 'RJS_EVALUATE_LABELS', /subtract 1/));
  it('ids that repeat', () => refused(() => given({ ids: [0, 1, 2, 3, 4, 4] }), 'RJS_EVALUATE_IDS', /6 different/));
});

describe('models', () => {
  it.each([
    ['a promise', Promise.resolve(), /not a promise/],
    ['nothing', undefined, /undefined/],
    ['two inputs', { predict: () => 0, inputs: [{ shape: [null, 6] }, { shape: [null, 6] }] }, /one input/],
  ])('%s', (_, wrong, words) => refused(() => evaluate(wrong as never, images, labels, EPS), 'RJS_EVALUATE_MODEL', words));
  it('a function of unknown shape', () => refused(() => evaluate((x) => x, images, labels, EPS), 'RJS_EVALUATE_MODEL', /inputShape/));
  it.each([
    ['the image itself', (x: tf.Tensor) => tf.clone(x), /\[1, 6, 6, 1\]/],
    ['one number', (x: tf.Tensor) => tf.sum(x), /\[\]/],
    ['one output', (x: tf.Tensor) => tf.sum(tf.reshape(x, [-1, 36]), 1, true), /zerosLike/],
    ['class indices', (x: tf.Tensor) => tf.argMax(tf.reshape(x, [-1, 36]), 1), /\[1\]/],
    ['two outputs', (x: tf.Tensor) => [tf.clone(x), tf.clone(x)], /2 outputs/],
    ['a throw', () => { throw new Error('no such layer'); }, /no such layer/],
  ])('whose output is %s', (_, predict, words) => refused(() => function_(predict), 'RJS_EVALUATE_OUTPUT', words));
});

describe('options', () => {
  it.each([
    [{ eps: undefined as never }, 'RJS_EVALUATE_OPTION', /how far/],
    [{ eps: [] }, 'RJS_EVALUATE_OPTION', /one budget/],
    [{ eps: [0.1, '1/10'] }, 'RJS_EVALUATE_OPTION', /different ones/],
    [{ eps: '8/0' }, 'RJS_EPS', /8\/0/],
    [{ norm: 'linf' as never }, 'RJS_NORM', /Linf/],
    [{ attacks: [] }, 'RJS_EVALUATE_OPTION', /at least one attack/],
    [{ attacks: [{ id: 'pdg' }] }, 'RJS_EVALUATE_OPTION', /an attack among.*pgd/],
    [{ attacks: [{ id: 'pgd', options: { step: 3 } }] }, 'RJS_ATTACK_OPTION', /step/],
    [{ batchSize: 0 }, 'RJS_EVALUATE_OPTION', /batchSize/],
    [{ attacked: 1.5 }, 'RJS_EVALUATE_OPTION', /attacked/],
    [{ seed: 0.5 }, 'RJS_EVALUATE_OPTION', /seed/],
    [{ claim: 93 }, 'RJS_EVALUATE_OPTION', /divide percents/],
    [{ bounds: [1, 0] }, 'RJS_EVALUATE_OPTION', /bounds/],
    [{ bounds: [0, 255] }, 'RJS_EVALUATE_OPTION', /own bounds/],
    [{ route: { kind: 'rows', parts: [] } }, 'RJS_EVALUATE_OPTION', /one branch/],
    [{ route: { kind: 'one', branch: 'nowhere' } }, 'RJS_BRANCH', /nowhere/],
  ] as [Partial<EvaluateOptions>, string, RegExp][])('%j', (options, code, words) => refused(() => given(options), code, words));
});
