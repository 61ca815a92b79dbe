import {
  add, concat, engine, getBackend, grads, mean, mul, type NamedAttrMap, relu, reshape, rsqrt, slice, square, sub, sum, type Tensor, tidy,
} from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { startWasm } from '../src/index.ts';
import { expectSame, largestDifference, on, values } from './compare.ts';

beforeAll(async () => void (await startWasm()));

const EPSILON = 1e-5;
const leading = (x: Tensor): number[] => x.shape.slice(0, -1).map((_, axis) => axis);

/** Whose statistics; whether the output is rectified, and joined by another input before. */
interface Form {
  readonly fixed: boolean;
  readonly relu: boolean;
  readonly joined: boolean;
}

interface Inputs {
  readonly x: Tensor;
  readonly scale: Tensor;
  readonly offset: Tensor;
  readonly mean: Tensor;
  readonly variance: Tensor;
  readonly plus: Tensor;
}

/** Oracle: batch norm of each segment of rows in ordinary operations. */
function composition({ x, scale, offset, mean: center, variance, plus }: Inputs, counts: readonly number[], { fixed, relu: rectified, joined }: Form): Tensor {
  let start = 0;
  const normalized = concat(counts.map((count, s) => {
    const part = slice(x, [start, ...x.shape.slice(1).map(() => 0)], [count, ...x.shape.slice(1)]);
    start += count;
    const row = (from: Tensor): Tensor => (from.rank === 1 ? from : reshape(slice(from, [s, 0], [1, -1]), [-1]));
    const centered = sub(part, fixed ? row(center) : mean(part, leading(part)));
    const gain = mul(row(scale), rsqrt(add(fixed ? row(variance) : mean(square(centered), leading(part)), EPSILON)));
    return add(mul(centered, gain), row(offset));
  }));
  const sum_ = joined ? add(normalized, plus) : normalized;
  return rectified ? relu(sum_) : sum_;
}

/** The kernel on wasm, the composition on cpu. */
function normalized(inputs: Inputs, counts: readonly number[], form: Form): Tensor {
  if (getBackend() !== 'wasm') return composition(inputs, counts, form);
  const { x, scale, offset, mean: center, variance, plus } = inputs;
  const statistics = form.fixed ? { mean: center, variance } : {};
  const given = { x, scale, offset, ...statistics, ...(form.joined && { plus }) };
  const attrs = { counts, epsilon: EPSILON, relu: form.relu, joined: form.joined };
  return [engine().runKernel<Tensor | Tensor[]>(form.fixed ? 'BatchNormFixed' : 'BatchNormRows', given, attrs as unknown as NamedAttrMap)].flat()[0]!;
}

const CASES: readonly (readonly [number[], number[]])[] = [
  [[5, 4, 3, 8], [5]], [[6, 7, 5, 3], [2, 4]], [[9, 5], [3, 1, 5]], [[70, 3, 17], [64, 6]], [[4, 2, 2, 2, 1], [1, 3]], [[1, 9, 4], [1]],
];
const FORMS: readonly Form[] = [false, true].flatMap((fixed) =>
  [[false, false], [true, false], [false, true], [true, true]].map(([relu_, joined]) => ({ fixed, relu: relu_!, joined: joined! })),
);

describe.each(FORMS)('batch norm, statistics given: $fixed, rectified: $relu, joined: $joined', (form) => {
  const names = ['x', 'scale', 'offset', ...(form.fixed ? ['mean', 'variance'] : []), ...(form.joined ? ['plus'] : [])] as (keyof Inputs)[];
  const all = (shape: number[], counts: readonly number[]): Inputs => {
    const channels = (seed: number): Tensor => values(counts.length > 1 ? [counts.length, shape.at(-1)!] : [shape.at(-1)!], seed);
    return { x: values(shape, 1), scale: channels(2), offset: channels(3), mean: channels(4), variance: add(square(channels(5)), 0.5), plus: values(shape, 6) };
  };
  /** As a function of the inputs that there are. */
  const over = (shape: number[], counts: readonly number[]) => (...at: Tensor[]): Tensor =>
    normalized({ ...all(shape, counts), ...Object.fromEntries(names.map((name, i) => [name, at[i]!])) }, counts, form);

  test.each(CASES)('output and gradients of %j in segments of %j rows', async (shape, counts) => {
    await expectSame(() => {
      const inputs = names.map((name) => all(shape, counts)[name]);
      const f = over(shape, counts);
      return [f(...inputs), ...grads(f)(inputs, values(shape, 9))];
    }, [1e-5, 1e-4]);
  });

  // Oracle: double backprop through the composition on the cpu backend.
  test.each(CASES)('second derivatives of %j in segments of %j rows equal those of the composition', async (shape, counts) => {
    const f = (...at: Tensor[]): Tensor => mul(over(shape, counts)(...at), values(shape, 9));
    const projected = (...at: Tensor[]): Tensor => {
      const first = grads((...inputs: Tensor[]) => sum(square(f(...inputs))))(at);
      return first.map((gradient, i) => sum(mul(gradient, values(gradient.shape, 20 + i)))).reduce((a, b) => add(a, b));
    };
    const work = (): Tensor[] => grads(projected)(names.map((name) => all(shape, counts)[name]));
    const [got, expected] = [await on('wasm', work), await on('cpu', work)];
    got.forEach((actual, i) => expect(largestDifference(actual, expected[i]!)).toBeLessThan(1e-3));
  });
});

test('values far from zero lose no variance', () => {
  // Mean 10000, variance 1: a sum of squares minus a squared sum would have no correct digit left in float32.
  const [mean_, variance] = tidy(() => {
    const x = add(mul(reshape(values([4096], 1), [1024, 4]), 1), 10000);
    const ones = add(mul(values([1, 4], 1), 0), 1);
    const [, center, spread] = engine().runKernel<Tensor[]>('BatchNormRows', { x, scale: ones, offset: ones }, { counts: [1024], epsilon: EPSILON, relu: false, joined: false });
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

describe('statistics that come out', () => {
  const names = ['y', 'mean', 'variance'] as const;

  /** Output and statistics, one after the other. */
  const flat = (parts: readonly Tensor[]): Tensor => concat(parts.map((part) => reshape(part, [-1])));

  /** The kernel on wasm; on cpu, ordinary operations. */
  function all(x: Tensor, scale: Tensor, offset: Tensor, counts: readonly number[]): Tensor {
    if (getBackend() === 'wasm') return flat(engine().runKernel<Tensor[]>('BatchNormRows', { x, scale, offset }, { counts: [...counts], epsilon: EPSILON, relu: false, joined: false }));
    const given = { x, scale, offset, mean: scale, variance: scale, plus: x };
    const starts = counts.map((_, s) => counts.slice(0, s).reduce((a, b) => a + b, 0));
    const parts = counts.map((count, s) => slice(x, [starts[s]!, ...x.shape.slice(1).map(() => 0)], [count, ...x.shape.slice(1)]));
    const variance = (part: Tensor): Tensor => mean(square(sub(part, mean(part, leading(part)))), leading(part));
    return flat([composition(given, counts, { fixed: false, relu: false, joined: false }), ...parts.map((part) => mean(part, leading(part))), ...parts.map(variance)]);
  }

  const inputs = (shape: number[], counts: readonly number[]): [Tensor, Tensor, Tensor] => {
    const channels = (seed: number): Tensor => values(counts.length > 1 ? [counts.length, shape.at(-1)!] : [shape.at(-1)!], seed);
    return [values(shape, 1), channels(2), channels(3)];
  };

  // Oracle: the composition on the cpu backend; the output gradient is none but for one of the three, and all of them.
  test.each(CASES)('first and second derivatives through them, %j in segments of %j rows', async (shape, counts) => {
    const channels = shape.at(-1)! * counts.length;
    const size = shape.reduce((a, b) => a * b, 1);
    const weights = (only?: (typeof names)[number]): Tensor => {
      const part = (name: (typeof names)[number], length: number): Tensor => mul(values([length], 9), only === undefined || only === name ? 1 : 0);
      return concat([part('y', size), part('mean', channels), part('variance', channels)]);
    };
    const f = (...at: Tensor[]): Tensor => all(at[0]!, at[1]!, at[2]!, counts);
    for (const only of [...names, undefined]) {
      await expectSame(() => grads(f)(inputs(shape, counts), weights(only)), [1e-4]);
      const projected = (...at: Tensor[]): Tensor => {
        const first = grads((...from: Tensor[]) => sum(square(mul(f(...from), weights(only)))))(at);
        return first.map((gradient, i) => sum(mul(gradient, values(gradient.shape, 20 + i)))).reduce((a, b) => add(a, b));
      };
      const work = (): Tensor[] => grads(projected)(inputs(shape, counts));
      const [got, expected] = [await on('wasm', work), await on('cpu', work)];
      got.forEach((actual, i) => expect(largestDifference(actual, expected[i]!)).toBeLessThan(1e-3));
    }
  });

  test('no rows have mean and variance 0, as in the composition', async () => {
    await expectSame(() => [all(values([0, 3, 2], 1), values([2], 2), values([2], 3), [0])], [0]);
    const [statistics] = await on('wasm', () => [all(values([0, 3, 2], 1), values([2], 2), values([2], 3), [0])]);
    expect([...statistics!]).toEqual([0, 0, 0, 0]);
  });
});
