import { avgPool, avgPool3d, grad, maxPool, maxPool3d, mean, mul, type Rank, sum, type Tensor, tensor, type Tensor4D, type Tensor5D } from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { expectSame, expectSecondOrder, expectSlopes, on, values, withGradients } from './compare.ts';

// Oracle: TF.js's cpu backend, and central differences. Its gradient of an average divides by the whole window also where part of that
// lies outside, which is not the derivative of what it computes, so that one is held against differences alone.
const TOLERANCES = [1e-5, 1e-4];

type Pad = 'same' | 'valid';
type Pool = (window: number, stride: number, pad: Pad) => (x: Tensor) => Tensor;

const POOLS: readonly (readonly [string, Pool, number[][]])[] = [
  ['maxPool', (window, stride, pad) => (x) => maxPool(x as Tensor4D, window, stride, pad), [[3, 9, 7, 5], [1, 8, 8, 1], [2, 5, 11, 16]]],
  ['avgPool', (window, stride, pad) => (x) => avgPool(x as Tensor4D, window, stride, pad), [[3, 9, 7, 5], [1, 8, 8, 1], [2, 5, 11, 16]]],
  ['maxPool3d', (window, stride, pad) => (x) => maxPool3d(x as Tensor5D, window, stride, pad), [[2, 5, 6, 7, 3], [1, 4, 4, 5, 8]]],
  ['avgPool3d', (window, stride, pad) => (x) => avgPool3d(x as Tensor5D, window, stride, pad), [[2, 5, 6, 7, 3], [1, 4, 4, 5, 8]]],
];

describe.each(POOLS)('%s', (name, pool, shapes) => {
  describe.each([1, 2, 3])('stride %d', (stride) => {
    test.each([[2, 'same'], [2, 'valid'], [3, 'same'], [3, 'valid']] as const)('window %d, padding %s', async (window, pad) => {
      for (const shape of shapes) {
        const f = pool(window, stride, pad);
        const cpuIsRight = pad === 'valid' || name.startsWith('max');
        await expectSame(() => (cpuIsRight ? withGradients(f, values(shape, 1)) : [f(values(shape, 1))]), TOLERANCES);
        // Small steps: a maximum has to stay the maximum.
        await expectSlopes(f, () => [values(shape, 1)], name.startsWith('max') ? 1e-4 : 0.1, name.startsWith('max') ? 2e-2 : 1e-3);
      }
    });
  });

  test('an empty batch gives nothing', async () => {
    const [y, dx] = await on('wasm', () => withGradients(pool(2, 2, 'same'), values([0, ...shapes[0]!.slice(1)], 1)));
    expect([y!.length, dx!.length]).toEqual([0, 0]);
  });

  test('second derivatives', async () => {
    await expectSecondOrder(pool(3, 2, 'same'), () => [values(shapes[0]!, 1)], 2e-2, 1e-4);
  });

  // Oracle: the cpu backend with Infinity in the NaN's place; its maximum passes over a NaN.
  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('%d reaches the windows that hold it', async (bad) => {
    const work = (value: number) => (): Tensor[] => {
      const held = values(shapes[0]!, 1).bufferSync();
      held.set(value, 1, ...shapes[0]!.slice(1).map((size) => size >> 1));
      return [pool(3, 2, 'same')(held.toTensor())];
    };
    const [[got], [expected]] = [await on('wasm', work(bad)), await on('cpu', work(Number.isNaN(bad) ? Infinity : bad))];
    const kinds = (array: Float32Array): string[] => [...array].map((value) => (Number.isFinite(value) ? '.' : String(value)));
    expect(kinds(got!)).toEqual(kinds(expected!).map((kind) => (Number.isNaN(bad) && kind === 'Infinity' ? 'NaN' : kind)));
  });
});

test('the first of equal maxima has the gradient, in windows without a positive value as well', async () => {
  const [dx] = await on('wasm', () => [grad((x: Tensor) => maxPool(x as Tensor4D, 2, 2, 'valid'))(tensor([-1, -1, -3, -2, -1, -1, -2, -3], [1, 2, 4, 1]), tensor([5, 7], [1, 1, 2, 1]))]);
  expect([...dx!]).toEqual([5, 0, 0, 7, 0, 0, 0, 0]);
});

test('windows of nothing but -Infinity have a gradient too', async () => {
  const [dx] = await on('wasm', () => [grad((x: Tensor) => maxPool(x as Tensor4D, 2, 2, 'valid'))(tensor(Array<number>(4).fill(-Infinity), [1, 2, 2, 1]), tensor([3], [1, 1, 1, 1]))]);
  expect([...dx!]).toEqual([3, 0, 0, 0]);
});

test('an average over a border counts what lies inside', async () => {
  // By hand: 1 2 3 in a row, windows of 2 with stride 2: (1 + 2) / 2 and 3 / 1.
  const [y, dx] = await on('wasm', () => withGradients((x) => mul(avgPool(x as Tensor4D, [1, 2], [1, 2], 'same'), 1), tensor([1, 2, 3], [1, 1, 3, 1])));
  const [first, second] = await on('wasm', () => [values<Rank.R1>([2], 9)]).then(([weights]) => [...weights!]);
  expect([...y!]).toEqual([1.5, 3]);
  [first! / 2, first! / 2, second!].forEach((expected, i) => expect(dx![i]).toBeCloseTo(expected, 6));
});

describe.each([['sum', sum], ['mean', mean]] as const)('global pooling by %s', (_, reduce) => {
  test('gradients over neighbouring axes, and over others', async () => {
    for (const [shape, axes] of [[[3, 4, 5, 7], [1, 2]], [[2, 3, 4, 5, 6], [1, 2, 3]], [[4, 6], [1]], [[4, 6], [0, 1]], [[3, 4, 5], [0, 2]], [[2, 1, 3], [1]]] as const)
      await expectSame(() => withGradients((x) => reduce(mul(x, x), [...axes]), values([...shape], 1)), [1e-5, 1e-4]);
  });

  test('second derivatives', async () => {
    await expectSecondOrder((x) => reduce(mul(mul(x, x), x), [1, 2]), () => [values([2, 3, 4, 5], 1)], 5e-3);
  });
});
