import {
  add, avgPool, cast, clipByValue, clone, concat, fused, gather, grad, greater, leakyRelu, less, maximum, mean, minimum, mul, pad, type Rank, relu, relu6, slice, softplus, sub, sum,
  setBackend, type Tensor, tensor, tensor1d, tile, unsortedSegmentSum,
} from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { startWasm } from '../src/index.ts';
import { on, values } from './compare.ts';

const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const whole = (shape: number[]): Tensor => tensor(Int32Array.from({ length: size(shape) }, (_, i) => ((7919 * i) % 23) - 11), shape, 'int32');
const bools = (shape: number[]): Tensor => tensor(Int32Array.from({ length: size(shape) }, (_, i) => Number(i % 3 === 0)), shape, 'bool');
const large = (): Tensor => tensor1d([2147483647, -2147483648, 16777217, 5], 'int32');
const row = (): Tensor => tensor1d([1, -2, 3, 0], 'int32');

/** Where other kernels stand than TF.js's: with data that these read as floats they would give anything. */
const OPS: readonly (readonly [string, () => Tensor])[] = [
  ['sum over leading axes', () => sum(whole([3, 4, 5]), [0, 1])], ['sum of bools', () => sum(bools([3, 4, 5]), [0])], ['sum over the last axis', () => sum(whole([3, 4, 5]), [2])],
  ['sums beyond 2^24', () => sum(tensor([16777217, 3, 2, 1], [2, 2], 'int32'), [0])],
  ['mean', () => mean(whole([3, 4, 5]), [0])], ['mean of bools', () => mean(bools([3, 4, 5]), [1])],
  ['maximum', () => maximum(whole([3, 4]), row())], ['minimum', () => minimum(whole([3, 4]), row())], ['extremes of large ones', () => maximum(large(), 16777216)],
  ['add', () => add(whole([3, 4]), row())], ['add that wraps', () => add(large(), row())], ['sub', () => sub(row(), whole([3, 4]))], ['mul', () => mul(whole([3, 4]), row())],
  ['add to floats', () => add(whole([3, 4]), values([4], 1))],
  ['relu', () => relu(whole([3, 5]))], ['relu of bools', () => relu(bools([3, 4]))], ['relu6', () => relu6(whole([3, 4]))], ['leakyRelu', () => leakyRelu(whole([3, 4]), 0.5)],
  ['softplus', () => softplus(whole([3, 4]))],
  ['clip', () => clipByValue(whole([3, 4]), -3, 4)], ['clip of large ones', () => clipByValue(large(), -5, 16777217)], ['clip of bools', () => clipByValue(bools([3, 4]), 0, 1)],
  ['greater', () => greater(whole([3, 4]), tensor(0, [], 'int32'))], ['less', () => less(whole([3, 4]), tensor(0, [], 'int32'))],
  ['slice', () => slice(whole([3, 4, 2]), [0, 1, 0], [2, 2, 1])], ['slice of bools', () => slice(bools([3, 4, 2]), [0, 1, 0], [2, 2, 1])],
  ['pad', () => pad(whole([3, 4]), [[1, 1], [0, 2]], 3)], ['pad of bools', () => pad(bools([3, 4]), [[1, 1], [0, 2]])],
  ['tile', () => tile(whole([3, 1]), [1, 4])], ['tile of bools', () => tile(bools([3, 4]), [2, 3])],
  ['gather', () => gather(whole([3, 4]), tensor1d([2, 0], 'int32'))], ['gather of bools', () => gather(bools([3, 4]), tensor1d([2, 0], 'int32'))],
  ['clone', () => clone(whole([3, 4]))], ['clone of bools', () => clone(bools([3, 4]))],
  ['unsortedSegmentSum', () => cast(unsortedSegmentSum(whole([3, 4]), tensor1d([1, 0, 1], 'int32'), 2), 'float32')],
  ['a bias of a fused op', () => fused.conv2d({ x: values<Rank.R4>([1, 4, 4, 2], 1), filter: values<Rank.R4>([1, 1, 2, 2], 2), strides: 1, pad: 'same', bias: cast(whole([2]), 'float32') })],
];

describe('integers and bools', () => {
  // Oracle: TF.js's cpu backend, values and data type.
  test.each(OPS)('%s', async (_, work) => {
    const types: string[] = [];
    const noted = (): Tensor[] => {
      const y = work();
      types.push(y.dtype);
      return [y];
    };
    const [[got], [expected]] = [await on('wasm', noted), await on('cpu', noted)];
    expect(types[0]).toBe(types[1]);
    expect(got!.length).toBe(expected!.length);
    got!.forEach((value, i) => expect(value).toBeCloseTo(expected![i]!, 5));
  });

  test.each<[string, (x: Tensor) => Tensor]>([
    ['relu', relu], ['relu6', relu6], ['leakyRelu', (x) => leakyRelu(x, 0.5)], ['sum', (x) => sum(x, [0])], ['mean', (x) => mean(x, [0])], ['clip', (x) => clipByValue(x, -3, 3)],
  ])('the gradient of %s', async (_, f) => {
    const work = (): Tensor[] => [grad(f)(whole([5, 3]))];
    expect(await on('wasm', work)).toEqual(await on('cpu', work));
  });

  test('an average is over floats alone', async () => {
    await startWasm();
    expect(() => avgPool(whole([1, 4, 4, 2]) as Tensor<Rank.R4>, 2, 2, 'same')).toThrow(/float32/u);
  });
});

test('strings are copied, cut and joined', async () => {
  await startWasm();
  const words = (): Tensor => tensor(Array.from({ length: 12 }, (_, i) => `word ${i}`), [3, 4], 'string');
  const work = (): Tensor[] => [clone(words()), slice(words(), [0, 1], [2, 2]), slice(words(), [1, 0], [2, 4]), concat([words(), words()])];
  const read: unknown[] = [];
  for (const name of ['wasm', 'cpu']) {
    await setBackend(name);
    read.push(work().map((tensor_) => tensor_.dataSync()));
  }
  await setBackend('wasm');
  expect(read[0]).toEqual(read[1]);
});
