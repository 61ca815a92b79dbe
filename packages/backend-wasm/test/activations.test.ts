import { clipByValue, elu, grad, grads, leakyRelu, mul, relu, relu6, softplus, square, sum, type Tensor, tensor1d } from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { expectSame, expectSlopes, largestDifference, on, values, withGradients } from './compare.ts';

// Oracle: TF.js's cpu backend in double precision.
const TOLERANCES = [1e-6, 1e-6];
const FUNCTIONS = [
  ['relu', (x: Tensor) => relu(x)], ['relu6', (x: Tensor) => relu6(x)], ['leakyRelu', (x: Tensor) => leakyRelu(x, 0.1)], ['elu', (x: Tensor) => elu(x)], ['softplus', (x: Tensor) => softplus(x)],
] as const;

/** Values from -scale to scale, far and near 0. */
const spread = (size: number, scale: number): Tensor => mul(values([size], 1), scale);

describe.each(FUNCTIONS)('%s', (name, f) => {
  test('values and gradients', async () => {
    for (const size of [0, 1, 3, 4, 37]) for (const scale of [1e-3, 1, 10, 100]) await expectSame(() => withGradients(f, spread(size, scale)), TOLERANCES);
  });

  test('small values keep their relative precision', async () => {
    const small = [1e-7, -1e-7, 1e-4, -1e-4, -0.01, -0.3];
    const [got] = await on('wasm', () => [f(tensor1d(small))]);
    const [expected] = await on('cpu', () => [f(tensor1d(small))]);
    got!.forEach((value, i) => expect(Math.abs(value - expected![i]!)).toBeLessThanOrEqual(3e-7 * Math.abs(expected![i]!)));
  });

  test('NaN and infinities, and the gradient at 0', async () => {
    const special = tensorOf([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 6, -0]);
    const [y, dx] = await on('wasm', () => [f(special()), grad((x: Tensor) => f(x))(special())]);
    const [expected, slopes] = await on('cpu', () => [f(special()), grad((x: Tensor) => f(x))(special())]);
    [...y!].forEach((value, i) => (Number.isFinite(expected![i]!) ? expect(value).toBeCloseTo(expected![i]!, 6) : expect(value).toBe(expected![i])));
    // What a slope is at NaN differs between TF.js's kernels.
    [...dx!].slice(1).forEach((value, i) => expect(value).toBeCloseTo(slopes![i + 1]!, 6));
  });

  test('gradients are slopes', async () => expectSlopes(f, () => [spread(37, 3)], 1e-3, 1e-2));

  // Oracle: closed forms in double precision of d/dx (f'(x)^2 g), twice the product of first and second derivative.
  test('double backprop', async () => {
    const twice = (x: Tensor, dy: Tensor): Tensor => sum(square(grad((at: Tensor) => f(at))(x, dy)));
    const [dx, ddy] = await on('wasm', () => grads(twice)([spread(37, 3), values([37], 5)]));
    const [x, dy] = await on('cpu', () => [spread(37, 3), values([37], 5)]);
    const forms = { relu: (at: number) => [at > 0 ? 1 : 0, 0], relu6: (at: number) => [at > 0 && at <= 6 ? 1 : 0, 0], leakyRelu: (at: number) => [at > 0 ? 1 : 0.1, 0], elu: (at: number) => (at > 0 ? [1, 0] : [Math.exp(at), Math.exp(at)]), softplus: logistic };
    const slopes = [...x!].map((at) => forms[name](at) as [number, number]);
    expect(largestDifference(dx!, Float32Array.from(slopes, ([first, second], i) => 2 * dy![i]! ** 2 * first * second))).toBeLessThan(1e-5);
    expect(largestDifference(ddy!, Float32Array.from(slopes, ([first], i) => 2 * dy![i]! * first ** 2))).toBeLessThan(1e-5);
  });
});

const tensorOf = (array: number[]) => (): Tensor => tensor1d(array);

function logistic(x: number): [number, number] {
  const value = 1 / (1 + Math.exp(-x));
  return [value, value * (1 - value)];
}

test('clipping keeps NaN', async () => {
  const [clipped, dx] = await on('wasm', () => withGradients((x) => clipByValue(x, -1, 2), tensor1d([-3, -1, 0.5, 2, 7, Number.NaN, Infinity, -Infinity, 1])));
  expect([...clipped!]).toEqual([-1, -1, 0.5, 2, 2, Number.NaN, 2, -1, 1]);
  expect([...dx!].map((slope) => slope !== 0)).toEqual([false, true, true, true, false, false, false, false, true]);
});
