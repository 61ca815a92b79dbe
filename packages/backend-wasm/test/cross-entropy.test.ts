import { engine, grads, mul, softmax, sum, type Tensor, tensor, tensor1d, tensor2d } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { startWasm } from '../src/index.ts';
import { expectSecondOrder, expectSlopes, largestDifference, on, values } from './compare.ts';

beforeAll(async () => void (await startWasm()));

const crossEntropy = (logits: Tensor, target: Tensor, smoothing = 0): Tensor => engine().runKernel('SoftmaxCrossEntropy', { logits, target }, { smoothing });

/** Plain loops in double precision. */
function oracle(logits: Float32Array, targets: readonly (readonly number[])[]): { loss: number[]; gradient: number[] } {
  const [loss, gradient] = [[] as number[], [] as number[]];
  targets.forEach((target, n) => {
    const row = [...logits].slice(n * target.length, (n + 1) * target.length);
    const top = Math.max(...row);
    const total = row.reduce((held, z) => held + Math.exp(z - top), 0);
    loss.push(-target.reduce((held, t, k) => held + t * (row[k]! - top - Math.log(total)), 0));
    gradient.push(...target.map((t, k) => Math.exp(row[k]! - top) / total - t));
  });
  return { loss, gradient };
}

const CASES = [[1, 1], [1, 2], [4, 10], [3, 7], [5, 100]] as const;

describe.each(CASES)('%d rows, %d classes', (rows, classes) => {
  const labels = Array.from({ length: rows }, (_, n) => (3 * n + 1) % classes);
  const logits = (): Tensor => mul(values([rows, classes], 1), 4);

  test.each([0, 0.1])('class indices, smoothing %d: loss and gradient as plain loops', async (smoothing) => {
    const [z, loss, gradient] = await on('wasm', () => {
      const f = (at: Tensor): Tensor => crossEntropy(at, tensor1d(labels, 'int32'), smoothing);
      return [logits(), f(logits()), ...grads(f)([logits()], values([rows], 9))];
    });
    const targets = labels.map((label) => Array.from({ length: classes }, (_, k) => (k === label ? 1 - smoothing : 0) + smoothing / classes));
    const expected = oracle(z!, targets);
    const [weights] = await on('wasm', () => [values([rows], 9)]);
    expect(largestDifference(loss!, Float32Array.from(expected.loss))).toBeLessThan(1e-6);
    const weighted = expected.gradient.map((slope, i) => slope * weights![Math.floor(i / classes)]!);
    gradient!.forEach((slope, i) => expect(Math.abs(slope - weighted[i]!)).toBeLessThan(1e-6));
  });

  test('probabilities: slopes, none for the target, and second derivatives', async () => {
    const share = (): Tensor => softmax(values([rows, classes], 3));
    await expectSlopes((z) => crossEntropy(z, share()), () => [logits()], 1e-2, 1e-2);
    if (classes > 1) await expectSecondOrder((z) => crossEntropy(z, share()), () => [logits()], 2e-2);
    const [, dt] = await on('wasm', () => grads((z: Tensor, t: Tensor) => crossEntropy(z, t))([logits(), share()]));
    expect(dt).toEqual(new Float32Array(rows * classes));
  });

  // Oracle: for P = sum dy (p - t) w, dP/d dy = sum_k (p - t) w and dP/dz_j = dy p_j (w_j - sum_k p_k w_k), in double precision.
  test('second derivatives equal the closed form', async () => {
    const twice = (z: Tensor, dy: Tensor): Tensor => sum(mul(grads((at: Tensor) => crossEntropy(at, tensor1d(labels, 'int32')))([z], dy)[0]!, values([rows, classes], 5)));
    const [dz, ddy] = await on('wasm', () => grads(twice)([logits(), values([rows], 6)]));
    const [z, dy, w] = await on('wasm', () => [logits(), values([rows], 6), values([rows, classes], 5)]);
    const targets = labels.map((label) => Array.from({ length: classes }, (_, k) => Number(k === label)));
    const { gradient } = oracle(z!, targets);
    labels.forEach((_, n) => {
      const row = (array: ArrayLike<number>): number[] => Array.from(array).slice(n * classes, (n + 1) * classes);
      const [difference, weight] = [row(gradient), row(w!)];
      const p = difference.map((value, k) => value + targets[n]![k]!);
      const mean = p.reduce((total, value, k) => total + value * weight[k]!, 0);
      expect(Math.abs(ddy![n]! - difference.reduce((total, value, k) => total + value * weight[k]!, 0))).toBeLessThan(1e-5);
      row(dz!).forEach((value, k) => expect(Math.abs(value - dy![n]! * p[k]! * (weight[k]! - mean))).toBeLessThan(1e-5));
    });
  });
});

test('a lead of 80 leaves a gradient, which adds up to zero in a row', async () => {
  const [gradient] = await on('wasm', () => grads((z: Tensor) => crossEntropy(z, tensor1d([0], 'int32')))([tensor2d([[80, 0, 0]])]));
  // p of the others is e^-80 each; float64 in the oracle.
  expect(gradient![1]! / Math.exp(-80)).toBeCloseTo(1, 5);
  expect(gradient![0]).toBe(-gradient![1]! * 2);
});

test('an empty batch, NaN in one row, infinite logits, and a label out of range', async () => {
  const [none, some, infinite, outside] = await on('wasm', () => [
    crossEntropy(tensor([], [0, 3]), tensor1d([], 'int32')),
    crossEntropy(tensor2d([[1, Number.NaN, 0], [0, 0, 0]]), tensor1d([0, 1], 'int32')),
    crossEntropy(tensor2d([[Infinity, 0], [-Infinity, -Infinity]]), tensor1d([0, 0], 'int32')),
    crossEntropy(tensor2d([[1, 2]]), tensor1d([7], 'int32')),
  ]);
  expect(none!.length).toBe(0);
  expect(some![0]).toBeNaN();
  expect(some![1]).toBeCloseTo(Math.log(3), 6);
  expect([...infinite!]).toEqual([Number.NaN, Number.NaN]);
  expect([...outside!]).toEqual([0]);
});
