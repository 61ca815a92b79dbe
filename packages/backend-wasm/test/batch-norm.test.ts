import {
  add, concat, engine, getBackend, grads, mean, mul, reshape, rsqrt, slice, square, sub, sum, type Tensor, tidy,
} from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { startWasm } from '../src/index.ts';
import { expectSame, largestDifference, on, values } from './compare.ts';

beforeAll(async () => void (await startWasm()));

const EPSILON = 1e-5;
const leading = (x: Tensor): number[] => x.shape.slice(0, -1).map((_, axis) => axis);

/** Oracle: batch norm of each segment of rows in ordinary operations. */
function composition(x: Tensor, scale: Tensor, offset: Tensor, counts: readonly number[]): Tensor {
  let start = 0;
  return concat(counts.map((count, s) => {
    const part = slice(x, [start, ...x.shape.slice(1).map(() => 0)], [count, ...x.shape.slice(1)]);
    start += count;
    const row = (from: Tensor): Tensor => reshape(slice(from, [s, 0], [1, -1]), [-1]);
    const centered = sub(part, mean(part, leading(part)));
    const gain = mul(row(scale), rsqrt(add(mean(square(centered), leading(part)), EPSILON)));
    return add(mul(centered, gain), row(offset));
  }));
}

/** The kernel on wasm, the composition on cpu. */
function normalized(x: Tensor, scale: Tensor, offset: Tensor, counts: readonly number[]): Tensor {
  if (getBackend() !== 'wasm') return composition(x, scale, offset, counts);
  return engine().runKernel<Tensor[]>('BatchNormRows', { x, scale, offset }, { counts, epsilon: EPSILON })[0]!;
}

const CASES: readonly (readonly [number[], number[]])[] = [
  [[5, 4, 3, 8], [5]], [[6, 7, 5, 3], [2, 4]], [[9, 5], [3, 1, 5]], [[70, 3, 17], [64, 6]], [[4, 2, 2, 2, 1], [1, 3]], [[1, 9, 4], [1]],
];

describe.each(CASES)('batch norm of %j in segments of %j rows', (shape, counts) => {
  const inputs = (): [Tensor, Tensor, Tensor] => [values(shape, 1), values([counts.length, shape.at(-1)!], 2), values([counts.length, shape.at(-1)!], 3)];

  test('output and gradients', async () => {
    await expectSame(() => {
      const f = (x: Tensor, scale: Tensor, offset: Tensor): Tensor => normalized(x, scale, offset, counts);
      return [f(...inputs()), ...grads(f)(inputs(), values(shape, 9))];
    }, [1e-5, 1e-4]);
  });

  // Oracle: double backprop through the composition on the cpu backend.
  test('second derivatives equal those of the composition', async () => {
    const projected = (...[x, scale, offset]: [Tensor, Tensor, Tensor]): Tensor => {
      const f = (...at: Tensor[]): Tensor => mul(normalized(at[0]!, at[1]!, at[2]!, counts), values(shape, 9));
      const first = grads((...at: Tensor[]) => sum(square(f(...at))))([x, scale, offset]);
      return first.map((gradient, i) => sum(mul(gradient, values(gradient.shape, 20 + i)))).reduce((a, b) => add(a, b));
    };
    const work = (): Tensor[] => grads((...at: Tensor[]) => projected(...(at as [Tensor, Tensor, Tensor])))(inputs());
    const [got, expected] = [await on('wasm', work), await on('cpu', work)];
    got.forEach((actual, i) => expect(largestDifference(actual, expected[i]!)).toBeLessThan(1e-3));
  });
});

test('values far from zero lose no variance', () => {
  // Mean 10000, variance 1: a sum of squares minus a squared sum would have no correct digit left in float32.
  const [mean_, variance] = tidy(() => {
    const x = add(mul(reshape(values([4096], 1), [1024, 4]), 1), 10000);
    const ones = add(mul(values([1, 4], 1), 0), 1);
    const [, center, spread] = engine().runKernel<Tensor[]>('BatchNormRows', { x, scale: ones, offset: ones }, { counts: [1024], epsilon: EPSILON });
    return [center!.dataSync(), spread!.dataSync()] as unknown as Tensor[];
  }) as unknown as [Float32Array, Float32Array];
  // Oracle: float64 loops over the float32 values.
  const x = tidy(() => add(mul(reshape(values([4096], 1), [1024, 4]), 1), 10000).dataSync());
  for (let c = 0; c < 4; c++) {
    const column = Array.from({ length: 1024 }, (_, i) => x[4 * i + c]!);
    const center = column.reduce((a, b) => a + b, 0) / 1024;
    expect(mean_[c]).toBeCloseTo(center, 2);
    expect(variance[c]! / (column.reduce((a, b) => a + (b - center) ** 2, 0) / 1024)).toBeCloseTo(1, 3);
  }
});
