import { gather, grad, pad, slice, type Tensor, tensor, tensor1d, tensor2d } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { on, values } from './compare.ts';

/** f of x, and its gradient for an output gradient in which no two elements are alike. */
const both = (f: (x: Tensor) => Tensor, x: Tensor): Tensor[] => [f(x), grad(f)(x, values(f(x).shape, 9))];

const BLOCKS: readonly [shape: number[], begin: number[], size: number[]][] = [
  [[3, 7], [0, 2], [3, 4]],
  [[3, 7], [1, 0], [2, 7]],
  [[4, 5, 6], [1, 2, 3], [2, 2, 2]],
  [[4, 5, 6], [0, 1, 0], [4, 3, 6]],
  [[2, 6, 5, 3], [0, 1, 1, 0], [2, 4, 3, 3]],
  [[2, 6, 5, 1], [0, 1, 1, 0], [2, 4, 3, 1]],
  [[2, 6, 5, 3], [1, 0, 0, 1], [1, 6, 5, 1]],
  [[2, 3, 4, 5, 2], [0, 1, 1, 2, 0], [2, 2, 3, 3, 2]],
  [[2, 3, 2, 2, 3, 2], [0, 1, 0, 1, 1, 0], [2, 1, 2, 1, 2, 2]],
  [[5, 4], [2, 1], [-1, -1]],
  [[3, 4, 5], [0, 1, 1], [3, 0, 2]],
  [[0, 4, 5], [0, 1, 1], [0, 2, 2]],
];

describe('slice', () => {
  it.each(BLOCKS)('of %j from %j of size %j is what the cpu backend gives, with its gradient', async (shape, begin, size) => {
    const work = (): Tensor[] => (shape.includes(0) || size.includes(0) ? [slice(values(shape, 1), begin, size)] : both((x) => slice(x, begin, size), values(shape, 1)));
    expect(await on('wasm', work)).toEqual(await on('cpu', work));
  });

  it('keeps int32 and bool', async () => {
    for (const dtype of ['int32', 'bool'] as const) {
      const numbers = Int32Array.from({ length: 60 }, (_, i) => (dtype === 'bool' ? Number(i % 3 === 0) : i * i - 50));
      const work = (): Tensor[] => [slice(tensor(numbers, [4, 5, 3], dtype), [1, 1, 0], [2, 3, 3])];
      expect(await on('wasm', work)).toEqual(await on('cpu', work));
    }
  });

  it('is the gradient of padding', async () => {
    const work = (): Tensor[] => both((x) => pad(x, [[0, 0], [1, 2], [1, 1], [0, 0]]), values([2, 5, 4, 3], 3));
    expect(await on('wasm', work)).toEqual(await on('cpu', work));
  });
});

const PADDINGS: readonly [shape: number[], paddings: [number, number][]][] = [
  [[5], [[2, 1]]],
  [[3, 4], [[0, 0], [1, 2]]],
  [[3, 4], [[1, 0], [0, 0]]],
  [[2, 5, 4, 3], [[0, 0], [1, 1], [1, 1], [0, 0]]],
  [[2, 5, 4, 1], [[0, 0], [1, 2], [0, 1], [0, 0]]],
  [[2, 3, 4, 2], [[1, 0], [0, 1], [1, 1], [2, 1]]],
  [[2, 2, 3, 2, 2], [[0, 0], [1, 0], [0, 2], [1, 1], [0, 0]]],
  [[0, 3], [[1, 1], [0, 2]]],
];

describe('padding', () => {
  it.each(PADDINGS)('of %j by %j is what the cpu backend gives, with its gradient', async (shape, paddings) => {
    for (const value of [0, -2.5]) {
      const f = (x: Tensor): Tensor => pad(x, paddings, value);
      const work = (): Tensor[] => (shape.includes(0) ? [f(values(shape, 4))] : both(f, values(shape, 4)));
      expect(await on('wasm', work)).toEqual(await on('cpu', work));
    }
  });

  it('keeps int32', async () => {
    const work = (): Tensor[] => [pad(tensor([[1, -2], [3, 4]], [2, 2], 'int32'), [[0, 1], [1, 0]], 7)];
    expect(await on('wasm', work)).toEqual(await on('cpu', work));
  });
});

describe('gather', () => {
  it.each([[[6, 5], [4, 0, 0, 5]], [[3, 4, 2, 3], [2, 1]], [[7], [6, 0, 3]], [[4, 1], [3]]])('of rows of %j at %j is what the cpu backend gives, with its gradient', async (shape, places) => {
    const work = (): Tensor[] => both((x) => gather(x, tensor1d(places, 'int32')), values(shape, 5));
    expect(await on('wasm', work)).toEqual(await on('cpu', work));
  });

  it('takes other axes, places in two axes, and other data types', async () => {
    const work = (): Tensor[] => [
      gather(values([4, 5, 3], 1), tensor1d([2, 0], 'int32'), 1),
      gather(values([4, 5], 1), tensor2d([[3, 0], [1, 1]], [2, 2], 'int32')),
      gather(tensor([[1, -2], [3, 4], [5, 6]], [3, 2], 'int32'), tensor1d([2, 0], 'int32')),
    ];
    expect(await on('wasm', work)).toEqual(await on('cpu', work));
  });
});
