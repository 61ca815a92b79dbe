import { conv1d, conv3d, depthwiseConv2d, fused, type Rank, type Tensor, tensor, type Tensor3D, type Tensor4D, type Tensor5D } from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { expectSame, expectSecondOrder, expectSlopes, on, values, withGradients } from './compare.ts';

// Oracle: TF.js's cpu backend, and central differences. Forward within 1e-5, gradients within 1e-4 of the largest absolute value.
const TOLERANCES = [1e-5, 1e-4, 1e-4];

type Operation = (x: Tensor, w: Tensor) => Tensor;

const depthwise = (stride: number, pad: 'same' | 'valid'): Operation => (x, w) => depthwiseConv2d(x as Tensor4D, w as Tensor4D, stride, pad);
const line = (stride: number, pad: 'same' | 'valid'): Operation => (x, w) => conv1d(x as Tensor3D, w as Tensor3D, stride, pad);
const solid = (stride: number, pad: 'same' | 'valid'): Operation => (x, w) => conv3d(x as Tensor5D, w as Tensor5D, stride, pad);

/** Operation, shapes of input and filter for each of its cases. */
const GRID: readonly (readonly [string, (stride: number, pad: 'same' | 'valid') => Operation, readonly (readonly [number[], number[]])[]])[] = [
  ['depthwise conv2d', depthwise, [
    [[2, 7, 9, 5], [3, 3, 5, 1]], [[1, 6, 6, 1], [3, 3, 1, 1]], [[3, 11, 8, 4], [5, 5, 4, 1]], [[2, 5, 5, 9], [1, 1, 9, 1]],
    [[2, 7, 9, 5], [3, 2, 5, 3]], [[2, 6, 5, 8], [2, 3, 8, 2]], [[1, 5, 7, 1], [3, 3, 1, 7]], [[9, 4, 4, 17], [3, 3, 17, 1]],
  ]],
  ['conv1d', line, [[[3, 19, 2], [5, 2, 7]], [[1, 33, 1], [3, 1, 1]], [[2, 16, 8], [4, 8, 16]], [[5, 9, 17], [1, 17, 3]]]],
  ['conv3d', solid, [
    [[2, 5, 6, 7, 2], [3, 3, 3, 2, 4]], [[1, 4, 5, 5, 1], [3, 3, 3, 1, 1]], [[2, 7, 6, 5, 3], [2, 3, 1, 3, 9]], [[1, 4, 8, 8, 4], [1, 3, 3, 4, 8]],
    [[3, 5, 5, 5, 8], [3, 3, 3, 8, 5]],
  ]],
];

describe.each(GRID)('%s', (_, operation, cases) => {
  test.each([[1, 'same'], [1, 'valid'], [2, 'same'], [2, 'valid'], [3, 'same']] as const)('stride %d, padding %s', async (stride, pad) => {
    for (const [x, w] of cases) await expectSame(() => withGradients(operation(stride, pad), values(x, 1), values(w, 2)), TOLERANCES);
  });

  test.each([1, 2])('gradients are the slopes of central differences, stride %d', async (stride) => {
    for (const [x, w] of cases) await expectSlopes(operation(stride, 'same'), () => [values(x, 1), values(w, 2)], 0.1, 1e-3);
  });

  test('an empty batch has an empty input gradient and a filter gradient of zeros', async () => {
    for (const [x, w] of cases) {
      const [y, dx, dw] = await on('wasm', () => withGradients(operation(1, 'same'), values([0, ...x.slice(1)], 1), values(w, 2)));
      expect([y!.length, dx!.length]).toEqual([0, 0]);
      expect(dw).toEqual(new Float32Array(w.reduce((a, b) => a * b, 1)));
    }
  });

  test('second derivatives are the slopes of the gradients', async () => {
    for (const [x, w] of cases.slice(0, 2)) await expectSecondOrder(operation(2, 'same'), () => [values(x, 1), values(w, 2)], 2e-3);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY])('%d reaches every output whose window holds it, and no other example', async (bad) => {
    const [shape, filter] = cases[0]!;
    const poisoned = (): Tensor => {
      const held = values([2, ...shape.slice(1)], 1).bufferSync();
      held.set(bad, 1, ...shape.slice(1).map((size) => size >> 1));
      return held.toTensor();
    };
    const work = (): Tensor[] => [operation(1, 'same')(poisoned(), values(filter, 2))];
    const [[got], [expected]] = [await on('wasm', work), await on('cpu', work)];
    const kinds = (array: Float32Array): string[] => [...array].map((value) => (Number.isFinite(value) ? '.' : String(value)));
    expect(kinds(got!)).toEqual(kinds(expected!));
    expect(got!.subarray(0, got!.length / 2).every(Number.isFinite)).toBe(true);
    expect(kinds(got!)).toContain(String(bad));
  });
});

describe('dilated', () => {
  test.each([['same', [2, 3]], ['valid', [3, 1]]] as const)('depthwise conv2d, padding %s, dilation %j', async (pad, dilation) => {
    await expectSame(() => [depthwiseConv2d(values<Rank.R4>([2, 9, 8, 5], 1), values<Rank.R4>([3, 2, 5, 2], 2), 1, pad, 'NHWC', [...dilation])], TOLERANCES);
  });

  test('a fused depthwise convolution by a number', async () => {
    await expectSame(() => [fused.depthwiseConv2d({ x: values<Rank.R4>([2, 9, 8, 5], 1), filter: values<Rank.R4>([3, 3, 5, 1], 2), strides: 1, pad: 'same', dilations: 2 })], TOLERANCES);
  });

  test('conv3d', async () => {
    await expectSame(() => [conv3d(values<Rank.R5>([2, 7, 8, 9, 2], 1), values<Rank.R5>([2, 3, 3, 2, 4], 2), 1, 'same', 'NDHWC', [3, 2, 2])], TOLERANCES);
    await expectSame(() => [conv3d(values<Rank.R5>([2, 7, 4, 5, 2], 1), values<Rank.R5>([2, 3, 3, 2, 4], 2), 1, 'same', 'NDHWC', [2, 1, 1])], TOLERANCES);
  });
});

test('a depthwise filter of ones sums each window', async () => {
  // By hand: 1 .. 9 in a 3x3 image, windows of 2x2.
  const [sums] = await on('wasm', () => [depthwiseConv2d(tensor<Rank.R4>([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 3, 3, 1]), tensor<Rank.R4>([1, 1, 1, 1], [2, 2, 1, 1]), 1, 'valid')]);
  expect([...sums!]).toEqual([12, 16, 24, 28]);
});
