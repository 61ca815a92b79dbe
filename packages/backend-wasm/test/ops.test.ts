import {
  add, avgPool, avgPool3d, concat, engine, gather, greater, logSoftmax, matMul, maxPool, maxPool3d, mean, moments, mul, pad, type Rank, relu, rsqrt,
  slice, softplus, sub, type Tensor, type Tensor4D, type Tensor5D, tensor1d, tile, unsortedSegmentSum,
} from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { expectSame, on, values, withGradients } from './compare.ts';

// Oracle: TF.js's cpu backend.
const TOLERANCES = [1e-5, 1e-4];

/** Batch norm in training mode, spelled out: statistics are differentiated too. */
function normalized(x: Tensor): Tensor {
  const { mean: center, variance } = moments(x, [0, 1, 2], true);
  return mul(sub(x, center), rsqrt(add(variance, 1e-5)));
}

const OPS: readonly (readonly [string, () => Tensor[]])[] = [
  ['maxPool', () => withGradients((x) => maxPool(x as Tensor4D, 3, 2, 'same'), values([3, 9, 7, 5], 1))],
  ['maxPool valid', () => withGradients((x) => maxPool(x as Tensor4D, 2, 2, 'valid'), values([2, 7, 9, 3], 1))],
  ['avgPool', () => [avgPool(values<Rank.R4>([3, 9, 7, 5], 1), 3, 2, 'same')]],
  ['avgPool valid', () => withGradients((x) => avgPool(x as Tensor4D, 2, 2, 'valid'), values([2, 7, 9, 3], 1))],
  ['maxPool3d', () => withGradients((x) => maxPool3d(x as Tensor5D, 2, 2, 'same'), values([2, 5, 6, 7, 3], 1))],
  ['avgPool3d', () => withGradients((x) => avgPool3d(x as Tensor5D, 2, 2, 'valid'), values([2, 5, 6, 7, 3], 1))],
  ['gather rows', () => withGradients((x) => gather(x, tensor1d([4, 0, 4, 2], 'int32')), values([5, 3, 2], 1))],
  ['gather columns', () => withGradients((x) => gather(x, tensor1d([1, 1, 2], 'int32'), 1), values([4, 3, 2], 1))],
  ['relu', () => withGradients((x) => relu(x), values([5, 7], 1))],
  ['softplus', () => withGradients((x) => softplus(x), values([5, 7], 1))],
  ['logSoftmax', () => withGradients((x) => logSoftmax(x), values([5, 7], 1))],
  ['matMul', () => withGradients((a, b) => matMul(a, b), values([9, 5], 1), values([5, 11], 2))],
  ['matMul transposed', () => withGradients((a, b) => matMul(a, b, true, true), values([5, 9], 1), values([11, 5], 2))],
  ['matMul batched', () => withGradients((a, b) => matMul(a, b), values([3, 4, 5], 1), values([3, 5, 2], 2))],
  ['matMul batched, transposed', () => withGradients((a, b) => matMul(a, b, true, true), values([3, 5, 4], 1), values([3, 2, 5], 2))],
  ['matMul batched over two axes', () => withGradients((a, b) => matMul(a, b), values([2, 3, 4, 5], 1), values([2, 3, 5, 2], 2))],
  ['matMul broadcast', () => [matMul(values([3, 4, 5], 1), values([1, 5, 2], 2)), matMul(values([1, 4, 5], 1), values([3, 5, 2], 2), false, false)]],
  ['matMul of no rows', () => withGradients((a, b) => matMul(a, b), values([0, 5], 1), values([5, 3], 2))],
  ['matMul of no products', () => [matMul(values([0, 4, 5], 1), values([0, 5, 3], 2))]],
  ['concat', () => withGradients((a, b) => concat([a, b], 1), values([3, 2, 4], 1), values([3, 5, 4], 2))],
  ['slice', () => withGradients((x) => slice(x, [1, 0, 2], [2, 3, 2]), values([4, 3, 5], 1))],
  ['pad', () => withGradients((x) => pad(x, [[1, 0], [2, 3]]), values([3, 4], 1))],
  ['mean', () => withGradients((x) => mean(x, [1, 2]), values([3, 4, 5, 2], 1))],
  ['tile a value a row', () => withGradients((x) => tile(x, [1, 4, 3, 2]), values([5, 1, 1, 1], 1))],
  ["tile a channel's", () => withGradients((x) => tile(x, [3, 4, 1]), values([1, 1, 5], 1))],
  ['tile neighbouring rows', () => [tile(values([4, 3], 1), [2, 1]), tile(values([2, 3], 1), [1, 2]), tile(values([0, 1], 1), [1, 3])]],
  ['tile in two places', () => [tile(values([4, 3], 1), [2, 2]), tile(values([2, 1, 3], 1), [2, 1, 2])]],
  ['tile integers and bools', () => [tile(tensor1d([3, -1, 7], 'int32'), [2]), tile(greater(values([4, 1], 1), 0), [1, 3])]],
  ['batch norm', () => withGradients(normalized, values([4, 5, 3, 6], 1))],
];

describe('values and gradients', () => {
  test.each(OPS)('%s', async (_, work) => expectSame(work, TOLERANCES));
});

describe('unsortedSegmentSum', () => {
  test('sums by segment; segments out of range count nowhere', async () => {
    const [sums] = await on('wasm', () => [
      engine().runKernel<Tensor>('UnsortedSegmentSum', { x: tensor1d([1, 2, 4, 8, 16]), segmentIds: tensor1d([2, 0, 2, -1, 3], 'int32') }, { numSegments: 3 }),
    ]);
    // By hand: segment 0 has 2; segment 1 nothing; segment 2 has 1 + 4; 8 and 16 lie outside.
    expect([...sums!]).toEqual([2, 0, 5]);
  });

  test('no rows give zeros', async () => {
    const [sums] = await on('wasm', () => [unsortedSegmentSum(values([0, 2], 1), tensor1d([], 'int32'), 2)]);
    expect([...sums!]).toEqual([0, 0, 0, 0]);
  });
});
