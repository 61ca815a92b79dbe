// Class counts, channels and shapes that are not those of the usual data sets; some with every check.
import { startWasm } from '@robustjs/backend-wasm';
import { type Model, modelOf, randomStream } from '@robustjs/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Entry, entrySchema, evaluate } from '../../src/evaluate/index.ts';

beforeAll(async () => void (await startWasm()));

const attacks = [{ id: 'noise', options: { draws: 5 } }, { id: 'fgsm' }, { id: 'pgd', options: { steps: 5, objective: 'margin' } }];

/** A linear model of random weights, images in the middle of the box, and labels that it gives. */
async function linear(inputShape: readonly number[], classes: number, count: number): Promise<{ model: Model; images: Float32Array; labels: Int32Array; weights: Float32Array }> {
  const size = inputShape.reduce((a, b) => a * b, 1);
  const random = randomStream(3);
  const weights = random.split('weights').normal(size * classes);
  const images = random.split('images').uniform(count * size).map((u) => 0.3 + 0.4 * u);
  const model = modelOf((x) => tf.tidy(() => tf.matMul(tf.reshape(tf.sub(x, 0.5), [-1, size]), tf.tensor2d(weights, [size, classes]))), { inputShape });
  const outputs = tf.tidy(() => tf.argMax(model.forward(tf.tensor(images, [count, ...inputShape]), {} as never), 1));
  const labels = Int32Array.from(await outputs.data());
  outputs.dispose();
  return { model, images, labels, weights };
}

const failed = (entry: Entry): string[] => entry.sanity.filter(({ status }) => status === 'fail').map(({ id }) => id);

describe('evaluate', () => {
  it.each([
    ['two classes', [4, 4, 3], 2, 'full'],
    ['three classes', [4, 4, 3], 3, 'quick'],
    ['120 classes', [6, 6, 1], 120, 'quick'],
    ['one channel, not square', [3, 7, 1], 4, 'quick'],
    ['no image at all', [11], 3, 'full'],
  ] as const)('takes %s', async (_, inputShape, classes, checks) => {
    const { model, images, labels, weights } = await linear(inputShape, classes, 24);
    const eps = 0.02;
    const before = tf.memory().numTensors;
    const entry = await evaluate(model, images, labels, { eps, attacks, curve: false, checks });
    expect(tf.memory().numTensors).toBe(before);
    expect(entrySchema.safeParse(entry).success).toBe(true);
    expect(failed(entry)).toEqual([]);
    // Oracle: x stands iff z_y - z_k > eps |w_y - w_k|_1 for every other class k (Hoelder).
    const size = images.length / 24;
    const logit = (row: number, k: number): number => Array.from({ length: size }, (_x, i) => (images[row * size + i]! - 0.5) * weights[i * classes + k]!).reduce((a, b) => a + b, 0);
    const gap = (a: number, b: number): number => Array.from({ length: size }, (_x, i) => Math.abs(weights[i * classes + a]! - weights[i * classes + b]!)).reduce((x, y) => x + y, 0);
    const stands = Array.from(labels, (y, row) => Array.from({ length: classes }, (_x, k) => k).every((k) => k === y || logit(row, y) - logit(row, k) > eps * gap(y, k))).filter(Boolean).length;
    const { correct } = entry.evaluations[0]!.robust;
    expect(correct).toBeGreaterThanOrEqual(stands);
    expect(correct - stands).toBeLessThanOrEqual(1);
  });

  it('asks a model that only predicts, and says what it left out', async () => {
    const { model, images, labels } = await linear([4, 4, 1], 3, 24);
    const blind: Model = { ...model, differentiable: false };
    const entry = await evaluate(blind, images, labels, { eps: 0.05, attacks: [{ id: 'pgd' }, { id: 'noise', options: { draws: 20 } }, { id: 'square', options: { queries: 200 } }], checks: 'quick' });
    expect(entry.evaluations[0]!.attacks.map(({ id }) => id)).toEqual(['noise', 'square']);
    expect(entry.flags).toContain('gradient-attacks-left-out');
    // Such a number is an upper bound: marked, not refused.
    expect([entry.refused, entry.unreliable, entry.sanity.find(({ id }) => id === 'S05')?.status]).toEqual([undefined, true, 'skipped']);
    expect(entry.evaluations[0]!.robust.correct).toBeLessThan(24);
    await expect(evaluate(blind, images, labels, { eps: 0.05, attacks: [{ id: 'pgd' }] })).rejects.toMatchObject({ code: 'RJS_EVALUATE_OPTION' });
  });

  it('runs the same attacks as a cascade to the same robust accuracy, for less work', async () => {
    const { model, images, labels } = await linear([4, 4, 1], 3, 40);
    const run = (mode: 'alone' | 'cascade') => evaluate(model, images, labels, { eps: 0.03, attacks, mode, checks: 'quick', curve: false });
    const [alone, cascade] = [await run('alone'), await run('cascade')];
    const [a, c] = [alone.evaluations[0]!, cascade.evaluations[0]!];
    expect(c.robust).toEqual(a.robust);
    expect(c.advSha256).toBe(a.advSha256);
    expect(c.attacks.map(({ brokenUnion }) => brokenUnion)).toEqual(a.attacks.map(({ brokenUnion }) => brokenUnion));
    // Each sees what those before it left.
    c.attacks.forEach(({ rows }, i) => expect(rows).toBe(a.attacks[0]!.rows - (c.attacks[i - 1]?.brokenUnion ?? 0)));
    expect(a.attacks.every(({ rows }) => rows === 40)).toBe(true);
    expect(c.attacks[2]!.gradientCalls).toBeLessThan(a.attacks[2]!.gradientCalls);
    expect(failed(cascade)).toEqual([]);
  });
});
