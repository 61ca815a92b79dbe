import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startWasm } from '@robustjs/backend-wasm';
import { type Model, modelOf } from '@robustjs/core';
import { type Dataset, memoryDataset } from '@robustjs/datasets';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evaluateDataset, readEvaluation, storeEvaluation, type StoredEvaluation, verifyEvaluation } from '../../src/evaluate/index.ts';
import { wilson } from '../../src/evaluate/wilson.ts';
import { SHAPE, stripes, trainedModel } from './fixtures.ts';

const folder = mkdtempSync(join(tmpdir(), 'robustjs-verify-'));
const { images, labels } = stripes(40);
const dataset: Dataset = memoryDataset({ id: 'stripes', split: 'test', inputShape: SHAPE, classes: 3, images, labels });
let model: Model;
let stored: StoredEvaluation;

beforeAll(async () => {
  await startWasm();
  model = await trainedModel();
  const attacks = [{ id: 'noise', options: { draws: 20 } }, { id: 'fgsm' }, { id: 'pgd', options: { steps: 5 } }];
  const evaluated = await evaluateDataset(model, dataset, { eps: [0.05, 0.1], attacks, checks: 'quick', mode: 'cascade', curve: false, clean: 36, attacked: 30 });
  await storeEvaluation(folder, evaluated);
  stored = await readEvaluation(folder);
});
afterAll(() => {
  model.dispose();
  rmSync(folder, { recursive: true });
});

const broken = async (changed: StoredEvaluation, asked: Model = model, data: Dataset = dataset): Promise<string[]> =>
  (await verifyEvaluation(changed, asked, data)).filter(({ holds }) => !holds).map(({ what }) => what);
/** A copy to tamper with. */
const copy = (): { -readonly [K in keyof StoredEvaluation]: StoredEvaluation[K] } => structuredClone(stored);
const values = (of: StoredEvaluation): Float32Array => of.adversarial[1]!.values as Float32Array;
/** Row of the last budget's first broken example. */
const brokenRow = (): number => stored.examples.filter(({ outcomes }) => outcomes.length > 0).findIndex(({ outcomes }) => outcomes[1]!.brokenBy !== null);

describe('verifyEvaluation', () => {
  it('finds that an honest result holds, and leaks nothing', async () => {
    const before = tf.memory().numTensors;
    expect(await broken(stored)).toEqual([]);
    expect(tf.memory().numTensors).toBe(before);
    expect(stored.adversarial.map(({ shape }) => shape)).toEqual([[30, ...SHAPE], [30, ...SHAPE]]);
    expect(stored.entry.evaluations[1]!.attacks.at(-1)!.brokenUnion).toBeGreaterThan(3);
  });

  // Each lie, and everything that it makes untrue.
  it('finds an input outside the budget', async () => {
    const lie = copy();
    const row = brokenRow();
    values(lie).set(values(lie).subarray(row * 36, row * 36 + 36).map((value) => (value > 0.5 ? value - 0.5 : value + 0.5)), row * 36);
    expect(await broken(lie)).toEqual(expect.arrayContaining(['hash at 0.1', 'norm and bounds at 0.1', 'distances at 0.1']));
  });

  it('finds an example called broken whose input is classified correctly', async () => {
    const lie = copy();
    const row = brokenRow();
    const { index } = stored.examples.filter(({ outcomes }) => outcomes.length > 0)[row]!;
    values(lie).set(images.subarray(index * 36, index * 36 + 36), row * 36);
    expect(await broken(lie)).toEqual(expect.arrayContaining(['hash at 0.1', 'misclassification at 0.1', 'distances at 0.1']));
  });

  it('finds a broken example that is called robust, with the counts made to fit', async () => {
    const lie = copy();
    const example = lie.examples.filter(({ outcomes }) => outcomes.length > 0)[brokenRow()]!;
    Object.assign(example.outcomes[1]!, { robust: true, brokenBy: null, distances: null });
    const found = await broken(lie);
    expect(found).toEqual(expect.arrayContaining(['untouched inputs at 0.1', 'robust accuracy at 0.1', 'attack counts at 0.1']));
  });

  it.each([
    ['a higher robust accuracy', (lie: StoredEvaluation) => void (lie.entry.evaluations[1]!.robust.correct += 1), ['robust accuracy at 0.1']],
    ['a higher clean accuracy', (lie: StoredEvaluation) => void (lie.entry.clean.correct -= 1), ['clean accuracy']],
    ['a narrower interval', (lie: StoredEvaluation) => void (lie.entry.evaluations[0]!.robust.ci95[0] += 0.01), ['robust accuracy at 0.05']],
    ['a smaller budget', (lie: StoredEvaluation) => void (lie.entry.evaluations[1]!.threat.eps = 0.06), ['outcomes at 0.06', 'norm and bounds at 0.06']],
    ['an attack that broke more', (lie: StoredEvaluation) => void (lie.entry.evaluations[1]!.attacks[0]!.brokenUnion += 1), ['attack counts at 0.1']],
    ['other predictions', (lie: StoredEvaluation) => void (lie.examples[3]!.predicted = (lie.examples[3]!.predicted + 1) % 3), ['clean predictions']],
    ['another label', (lie: StoredEvaluation) => void (lie.examples[3]!.label = (lie.examples[3]!.label + 1) % 3), ['examples']],
    ['a failed check forgotten', (lie: StoredEvaluation) => void (lie.entry.sanity.find(({ id }) => id === 'S23')!.status = 'fail'), ['verdict']],
    ['other data', (lie: StoredEvaluation) => void (lie.entry.dataset.sha256 = '0'.repeat(64)), ['data']],
  ])('finds %s', async (_, change, what) => {
    const lie = copy();
    change(lie);
    expect(await broken(lie)).toEqual(what);
  });

  it('finds another network', async () => {
    const other = await trainedModel();
    tf.tidy(() => other.parameters[0]!.variable.assign(tf.mul(other.parameters[0]!.variable, -1)));
    expect(await broken(stored, other)).toEqual(expect.arrayContaining(['weights', 'clean predictions']));
    other.dispose();
  });

  it('finds other images', async () => {
    const other = stripes(40, 5);
    expect(await broken(stored, model, memoryDataset({ id: 'stripes', split: 'test', inputShape: SHAPE, classes: 3, images: other.images, labels: other.labels }))).toEqual(expect.arrayContaining(['data', 'norm and bounds at 0.1', 'distances at 0.1']));
  });

  it('finds arrays of another shape', async () => {
    const lie = copy();
    lie.adversarial = [lie.adversarial[0]!, { shape: [1, ...SHAPE], values: values(lie).slice(0, 36) }];
    expect(await broken(lie)).toEqual(['shape at 0.1']);
  });

  it('finds checks left out, made twice, or come out otherwise', async () => {
    const without = copy();
    without.entry.sanity = without.entry.sanity.filter(({ id }) => id !== 'S20');
    expect(await broken(without)).toEqual(['checks']);
    const twice = copy();
    twice.entry.sanity.push(twice.entry.sanity[0]!);
    expect(await broken(twice)).toEqual(['checks']);
    const skipped = copy();
    skipped.entry.sanity.find(({ id }) => id === 'S20')!.status = 'skipped';
    expect(await broken(skipped)).toEqual(['checks left out']);
    const worse = copy();
    Object.assign(worse.entry.sanity.find(({ id }) => id === 'S06')!, { status: 'fail' });
    worse.entry.unreliable = true;
    expect(await broken(worse)).toEqual(['S06']);
  });
});

describe('verifyEvaluation, of models that do not decide', () => {
  const ten = stripes(10);
  // Class 0 of all: right on half of them.
  const half = Array.from({ length: 10 }, (_, i) => i % 2);
  const data = memoryDataset({ id: 'halves', split: 'test', inputShape: SHAPE, classes: 2, images: ten.images, labels: half });
  const constant = modelOf((x) => tf.tidy(() => tf.add(tf.mul(tf.sum(tf.reshape(x, [x.shape[0], 36]), 1, true), [[0, 0]]), [[0.1, 0]])), { inputShape: SHAPE });
  const options = { eps: 0.1, attacks: [{ id: 'noise', options: { draws: 2 } }, { id: 'fgsm' }], checks: 'quick', curve: false } as const;

  const storedOf = async (of: Model, more: object = {}): Promise<StoredEvaluation> => {
    const at = mkdtempSync(join(folder, 'one-'));
    await storeEvaluation(at, await evaluateDataset(of, data, { ...options, ...more }));
    return readEvaluation(at);
  };
  /** All right, as far as one who writes the files can say so. */
  const forged = (honest: StoredEvaluation, draws?: number[]): StoredEvaluation => {
    const lie = structuredClone(honest);
    const all = { correct: 10, n: 10, ci95: wilson(10, 10), ...(draws && { draws }) };
    Object.assign(lie.entry, { clean: all });
    Object.assign(lie.entry.evaluations[0]!.robust, all);
    lie.examples.forEach((example) => {
      Object.assign(example, { predicted: example.label, clean: true });
      Object.assign(example.outcomes[0]!, { robust: true });
    });
    return lie;
  };

  it('finds that a constant model is said to draw random numbers, so that anything would go', async () => {
    const honest = await storedOf(constant);
    expect(honest.entry.clean.correct).toBe(5);
    expect(await broken(honest, constant, data)).toEqual([]);
    const lie = forged(honest);
    lie.entry.model.stochastic = true;
    expect(await broken(lie, constant, data)).toEqual(expect.arrayContaining(['randomness', 'clean predictions', 'clean accuracy', 'robust accuracy']));
  });

  it('counts draws anew instead of taking their mean', async () => {
    const honest = await storedOf(constant, { randomized: true });
    expect(honest.entry.evaluations[0]!.robust.draws).toEqual(Array(10).fill(5));
    expect(await broken(honest, constant, data)).toEqual([]);
    const lie = forged(honest, Array<number>(10).fill(10));
    expect(await broken(lie, constant, data)).toEqual(expect.arrayContaining(['clean accuracy', 'robust accuracy']));
  });

  it('lets a model that does draw differ by chance, and by no more', async () => {
    // Class 0 with probability 0.8, whatever a row shows: half of the labels are 0, so five of ten in the mean, with variance 10 * 0.16.
    const coin: Model = { ...constant, forward: (x, pass) => tf.tidy(() => {
      const heads = tf.tensor(pass.random!.uniform(x.shape[0]).map((u) => (u < 0.8 ? 1 : -1)), [x.shape[0], 1]);
      return tf.add(constant.forward(x, pass), tf.concat([heads, tf.neg(heads)], 1));
    }) };
    const honest = await storedOf(coin, { randomized: true });
    expect(honest.entry.model.stochastic).toBe(true);
    expect(await broken(honest, coin, data)).toEqual([]);
    expect(await broken(forged(honest, Array<number>(10).fill(10)), coin, data)).toEqual(expect.arrayContaining(['clean accuracy', 'robust accuracy']));
  });
});
