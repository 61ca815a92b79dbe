import * as tf from '@tensorflow/tfjs-core';
import { randomStream } from '@robustjs/core';
import { startWasm } from '@robustjs/backend-wasm';
import { beforeAll, expect, it } from 'vitest';
import { evaluate } from '../../src/index.ts';

const [N, SIZE, CLASSES, EPS] = [120, 36, 10, 0.02];

beforeAll(async () => void (await startWasm()));

async function numbers(name: string, rows: number, columns: number): Promise<number[][]> {
  const drawn = randomStream(5).split(name).uniformRows(Array.from({ length: rows }, (_, id) => id), [columns]);
  const values = (await drawn.array()) as number[][];
  drawn.dispose();
  return values;
}

// Inputs at least eps away from the edges of the box, so that the closed form holds.
it.each([1, 1e-3])('the default suite comes near the exact robustness of a linear model whose logits are scaled by %d', async (scale) => {
  const weights = (await numbers('weights', CLASSES, SIZE)).map((row) => row.map((value) => value - 0.5));
  const inputs = (await numbers('inputs', N, SIZE)).map((row) => row.map((value) => 0.2 + 0.6 * value));
  const logits = inputs.map((x) => weights.map((w) => w.reduce((sum, value, i) => sum + value * x[i]!, 0)));
  const labels = logits.map((row) => row.indexOf(Math.max(...row)));
  // Oracle: x stands iff z_y - z_k > eps |w_y - w_k|_1 for every other class k (Hoelder).
  const stands = logits.filter((row, n) => row.every((z, k) => {
    const y = labels[n]!;
    return k === y || row[y]! - z > EPS * weights[k]!.reduce((sum, value, i) => sum + Math.abs(weights[y]![i]! - value), 0);
  })).length;
  const matrix = tf.tensor2d(weights);
  const images = tf.tensor2d(inputs);
  const entry = await evaluate((x) => tf.mul(tf.matMul(x, matrix, false, true), scale), images, labels, { checks: 'quick', eps: EPS, curve: false });
  tf.dispose([matrix, images]);
  const { correct } = entry.evaluations[0]!.robust;
  expect(stands).toBeGreaterThan(20);
  expect(stands).toBeLessThan(N - 20);
  // No attack beats the bound, and this suite misses at most two of it.
  expect(correct).toBeGreaterThanOrEqual(stands);
  expect(correct - stands).toBeLessThanOrEqual(2);
});
