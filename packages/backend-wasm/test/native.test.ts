import { add, concat, greater, less, matMul, maximum, mean, minimum, mul, type Rank, relu, slice, sub, sum, type Tensor, tensor1d } from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { bytes, expectSame, on, values, withGradients } from './compare.ts';

// Oracle: TF.js's cpu backend. Forward within 1e-5, gradients within 1e-4 of the largest absolute value.
const TOLERANCES = [1e-5, 1e-4];

describe('matrix products', () => {
  const sizes = [[1, 1, 1], [3, 5, 2], [4, 8, 8], [5, 7, 9], [1, 65, 10], [67, 3, 17], [2, 400, 3], [33, 1, 24]] as const;
  test.each([[false, false], [false, true], [true, false], [true, true]])('left transposed %s, right transposed %s', async (left, right) => {
    for (const [rows, inner, columns] of sizes)
      for (const [batchA, batchB] of [[[], []], [[3], [3]], [[1], [2]], [[2, 2], [1, 1]]])
        await expectSame(() => {
          const a = values([...batchA!, ...(left ? [inner, rows] : [rows, inner])], 1);
          const b = values([...batchB!, ...(right ? [columns, inner] : [inner, columns])], 2);
          // TF.js has no gradient where one product serves many.
          const repeated = batchA!.length > 0 && batchA!.join() !== batchB!.join();
          return repeated ? [matMul(a, b, left, right)] : withGradients((x, y) => matMul(x, y, left, right), a, b);
        }, TOLERANCES);
  });

  // Eight rows are computed together where that is possible, one row never.
  test.each([[48, 1], [20, 2], [12, 3], [27, 1], [4, 1]])('%i values by %i columns: a row has the bits it has alone', async (inner, columns) => {
    const [whole, alone] = await on('wasm', () => {
      const [a, b] = [values<Rank.R2>([21, inner], 1), values<Rank.R2>([inner, columns], 2)];
      return [matMul(a, b), concat(Array.from({ length: 21 }, (_, row) => matMul(slice(a, [row, 0], [1, inner]), b)))];
    });
    expect(bytes(whole!)).toEqual(bytes(alone!));
  });

  test('nothing to sum gives zeros, no rows give nothing', async () => {
    const [zeros, empty] = await on('wasm', () => [matMul(values<Rank.R2>([3, 0], 1), values<Rank.R2>([0, 2], 2)), matMul(values<Rank.R2>([0, 3], 1), values<Rank.R2>([3, 2], 2))]);
    expect([zeros, empty!.length]).toEqual([new Float32Array(6), 0]);
  });
});

describe('operands of other shapes', () => {
  const pairs: readonly (readonly [number[], number[]])[] = [
    [[7], [7]], [[2, 3, 5], [5]], [[2, 3, 5], [1]], [[2, 3, 5], []], [[3, 4, 2, 6], [3, 1, 1, 6]], [[3, 4, 2, 6], [3, 1, 1, 1]],
    [[1, 4, 6], [6]], [[4, 1, 6], [1, 6]], [[3, 5], [3, 1]], [[3, 1, 5], [1, 4, 1]], [[2, 3, 4], [2, 1, 4]], [[0, 3], [3]], [[2, 1, 2, 1, 3], [1, 3]],
  ];
  const operations = { add, sub, mul, maximum, minimum };
  const extremes = new Set<unknown>([maximum, minimum]);
  test.each(Object.entries(operations))('%s', async (_, operation) => {
    for (const [large, small] of pairs) {
      // TF.js's gradients of the extremes do not know of repeated operands.
      const form = extremes.has(operation) ? (...pair: [Tensor, Tensor]): Tensor[] => [operation(...pair)] : (...pair: [Tensor, Tensor]): Tensor[] => withGradients((a, b) => operation(a, b), ...pair);
      await expectSame(() => form(values(large, 1), values(small, 2)), TOLERANCES);
      await expectSame(() => form(values(small, 1), values(large, 2)), TOLERANCES);
    }
  });
});

test.each([['sum', sum], ['mean', mean]] as const)('%s over every run of axes', async (_, reduce) => {
  for (const shape of [[70, 3, 5], [2, 3, 4, 17], [1, 129, 8], [6]])
    for (let first = 0; first < shape.length; first++)
      for (let last = first; last < shape.length; last++)
        for (const keepDims of [false, true])
          await expectSame(() => {
            const axes = shape.map((_size, axis) => axis).slice(first, last + 1);
            // All of one sign: the rounding of a sum that cancels would be large beside it.
            return withGradients((x) => reduce(add(x, 2), axes, keepDims), values(shape, 1));
          }, TOLERANCES);
});

test('comparisons with a number, and value by value', async () => {
  const special = [0, -0, Number.NaN, Infinity, -Infinity, 1e-30, -1e-30];
  for (const count of [1, 7, 16, 37]) {
    const held = Array.from({ length: count }, (_, i) => special[i % special.length]!);
    const [above, below] = await on('wasm', () => [greater(tensor1d(held), 0), less(tensor1d(held), 0)]);
    expect([...above!].map(Boolean)).toEqual(held.map((value) => value > 0));
    expect([...below!].map(Boolean)).toEqual(held.map((value) => value < 0));
    const others = held.map((_, i) => special[(i * i + 3) % special.length]!);
    const [larger, smaller] = await on('wasm', () => [greater(tensor1d(held), tensor1d(others)), less(tensor1d(held), tensor1d(others))]);
    expect([...larger!].map(Boolean)).toEqual(held.map((value, i) => value > others[i]!));
    expect([...smaller!].map(Boolean)).toEqual(held.map((value, i) => value < others[i]!));
  }
});

test('relu keeps NaN, and its gradient is 0 where x <= 0', async () => {
  const [y, dx] = await on('wasm', () => withGradients((x) => mul(relu(x), 1), tensor1d([-1, 0, 2, Number.NaN, Number.POSITIVE_INFINITY, -3, 4, 5, -6])));
  expect([...y!]).toEqual([0, 0, 2, Number.NaN, Number.POSITIVE_INFINITY, 0, 4, 5, 0]);
  expect([...dx!].map((slope) => slope === 0)).toEqual([true, true, false, false, false, true, false, false, true]);
});
