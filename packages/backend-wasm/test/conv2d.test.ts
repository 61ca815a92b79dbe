import { concat, conv2d, depthwiseConv2d, grads, maxPool, mul, type Rank, type Tensor, tensor, type Tensor4D } from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { expectSame, expectSlopes, on, values, withGradients } from './compare.ts';

// Oracle: TF.js's cpu backend. Forward within 1e-5, gradients within 1e-4 of the largest absolute value.
const TOLERANCES = [1e-5, 1e-4, 1e-4];

// Padding by 1 is written out: given as a number, TF.js sizes the output by the filter's height alone, and its wasm kernel
// then writes beyond a non-square filter's output.
const ONE: [[number, number], [number, number], [number, number], [number, number]] = [[0, 0], [1, 1], [1, 1], [0, 0]];
type Pad = 'same' | 'valid' | typeof ONE;
interface Case {
  readonly image: [number, number];
  readonly kernel: [number, number];
  readonly channels: [number, number];
  readonly batch?: number;
}

const CASES: readonly Case[] = [
  { image: [7, 9], kernel: [3, 3], channels: [1, 1] },
  { image: [8, 8], kernel: [3, 3], channels: [3, 5] },
  { image: [13, 17], kernel: [5, 3], channels: [2, 9] },
  { image: [9, 6], kernel: [1, 1], channels: [4, 8] },
  { image: [11, 11], kernel: [2, 4], channels: [8, 3] },
  { image: [10, 12], kernel: [7, 7], channels: [3, 4], batch: 1 },
  { image: [6, 5], kernel: [3, 3], channels: [17, 33], batch: 2 },
  { image: [5, 5], kernel: [5, 5], channels: [1, 16], batch: 67 },
  // Channels for which size 3 and stride 1 go through Winograd's transforms, in even and odd sizes.
  { image: [9, 11], kernel: [3, 3], channels: [8, 12] },
  { image: [16, 7], kernel: [3, 3], channels: [32, 8], batch: 9 },
  { image: [4, 6], kernel: [3, 3], channels: [16, 16], batch: 40 },
];

const name = ({ image, kernel, channels, batch = 3 }: Case): string =>
  `${batch} x ${image.join('x')}, kernel ${kernel.join('x')}, channels ${channels.join(' to ')}`;

describe.each([1, 2, 3, [2, 1], [1, 3]] as (number | [number, number])[])('conv2d, stride %j', (stride) => {
  describe.each(['same', 'valid', ONE] as Pad[])('padding %j', (pad) => {
    test.each(CASES.map((c) => [name(c), c] as const))('%s', async (_, { image, kernel, channels, batch = 3 }) => {
      await expectSame(() => {
        const f = (x: Tensor, w: Tensor): Tensor => conv2d(x as Tensor4D, w as Tensor4D, stride, pad);
        return withGradients(f, values([batch, ...image, channels[0]], 1), values([...kernel, ...channels], 2));
      }, TOLERANCES);
    });
  });
});

test('gradients are the slopes of central differences', async () => {
  for (const [stride, channels, pad] of [[1, [3, 5], 'same'], [2, [8, 9], 'valid'], [1, [8, 12], 'same']] as const)
    await expectSlopes((x, w) => conv2d(x as Tensor4D, w as Tensor4D, stride, pad), () => [values([2, 9, 8, channels[0]], 1), values([3, 3, ...channels], 2)], 0.1, 1e-3);
});

describe('edges', () => {
  test('explicit asymmetric padding', async () => {
    await expectSame(() => {
      const f = (x: Tensor, w: Tensor): Tensor => conv2d(x as Tensor4D, w as Tensor4D, 2, [[0, 0], [2, 1], [0, 2], [0, 0]]);
      return withGradients(f, values([2, 9, 8, 3], 1), values([3, 3, 3, 4], 2));
    }, TOLERANCES);
  });

  test('padding wider than the filter', async () => {
    await expectSame(() => {
      const f = (x: Tensor, w: Tensor): Tensor => conv2d(x as Tensor4D, w as Tensor4D, 1, [[0, 0], [4, 3], [5, 4], [0, 0]]);
      return withGradients(f, values([2, 6, 5, 2], 1), values([2, 3, 2, 3], 2));
    }, TOLERANCES);
  });

  test('an empty batch has an empty input gradient and a filter gradient of zeros', async () => {
    const [y, dx, dw] = await on('wasm', () => {
      const f = (x: Tensor, w: Tensor): Tensor => conv2d(x as Tensor4D, w as Tensor4D, 2, 'same');
      return withGradients(f, values([0, 6, 6, 2], 1), values([3, 3, 2, 4], 2));
    });
    expect([y!.length, dx!.length]).toEqual([0, 0]);
    expect(dw).toEqual(new Float32Array(72));
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY])('%d in the output gradient reaches both gradients, and no other example', async (bad) => {
    const [dx, dw] = await on('wasm', () => {
      const f = (x: Tensor, w: Tensor): Tensor => conv2d(x as Tensor4D, w as Tensor4D, 1, 'same');
      const dy = values([2, 8, 8, 4], 3);
      const poisoned = dy.bufferSync();
      poisoned.set(bad, 1, 4, 4, 0);
      return grads(f)([values([2, 8, 8, 2], 1), values([3, 3, 2, 4], 2)], poisoned.toTensor());
    });
    expect(dx!.slice(0, 128).every(Number.isFinite)).toBe(true);
    expect(Number.isFinite(dx![128 + (4 * 8 + 4) * 2])).toBe(false);
    expect(Number.isFinite(dw![(1 * 3 + 1) * 8])).toBe(false);
  });

  test.each([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN])('%d in one example of a wide convolution goes where it goes on cpu', async (bad) => {
    const work = (poison: boolean) => (): Tensor[] => {
      const x = values([5, 9, 9, 16], 1);
      const held = x.bufferSync();
      if (poison) held.set(bad, 2, 4, 3, 5);
      const f = (from: Tensor): Tensor => conv2d(from as Tensor4D, values<Rank.R4>([3, 3, 16, 8], 2), 1, 'same');
      return [f(held.toTensor()), ...grads(f)([x], concat([values([4, 9, 9, 8], 3), mul(values([1, 9, 9, 8], 3), poison ? bad : 1)]))];
    };
    const [got, clean, expected] = [await on('wasm', work(true)), await on('wasm', work(false)), await on('cpu', work(true))];
    const kinds = (array: Float32Array): string[] => [...array].map((value) => (Number.isFinite(value) ? '.' : String(value)));
    got.forEach((array, i) => {
      expect(kinds(array)).toEqual(kinds(expected[i]!));
      // The other examples keep their bits.
      const [example, bad_] = [array.length / 5, i === 0 ? 2 : 4];
      array.forEach((value, at) => Math.floor(at / example) !== bad_ && expect(value).toBe(clean[i]![at]));
    });
  });

  // An output gradient reaches nine pixels; an infinite pixel makes all sums over it infinite or NaN, and no others.
  test.each([Number.POSITIVE_INFINITY, Number.NaN])('%d in a wide filter gradient stays where it goes on cpu', async (bad) => {
    const work = (): Tensor[] => {
      const [x, dy] = [values<Rank.R4>([3, 9, 6, 8], 1), values<Rank.R4>([3, 9, 6, 16], 2)];
      const held = x.bufferSync();
      held.set(bad, 1, 4, 3, 5);
      const f = (filter: Tensor): Tensor => conv2d(held.toTensor(), filter as Tensor4D, 1, 'same');
      return grads(f)([values([3, 3, 8, 16], 3)], dy);
    };
    const [[got], [expected]] = [await on('wasm', work), await on('cpu', work)] as [[Float32Array], [Float32Array]];
    expect([...got].map(Number.isFinite)).toEqual([...expected].map(Number.isFinite));
    got.forEach((value, i) => Number.isFinite(value) && expect(value).toBeCloseTo(expected[i]!, 3));
  });

  // TF.js's wasm kernels give -Infinity here, which a ReLU turns into 0.
  test('a NaN stays one: from a pixel in its own example, from a filter in its channel', async () => {
    const poisoned = (shape: number[], at: number): Tensor => {
      const data = new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.5);
      data[at] = Number.NaN;
      return tensor(data, shape);
    };
    const [pixel, filter, pooled, depthwise] = await on('wasm', () => [
      conv2d(poisoned([2, 4, 4, 1], 16) as Tensor4D, values<Rank.R4>([1, 1, 1, 2], 2), 1, 'same'),
      conv2d(values<Rank.R4>([1, 2, 2, 1], 1), poisoned([1, 1, 1, 2], 1) as Tensor4D, 1, 'same'),
      maxPool(poisoned([1, 4, 4, 1], 0) as Tensor4D, 2, 2, 'same'),
      depthwiseConv2d(poisoned([1, 3, 3, 1], 4) as Tensor4D, values<Rank.R4>([1, 1, 1, 1], 2), 1, 'same'),
    ]);
    const places = (array: Float32Array): number[] => [...array.keys()].filter((i) => Number.isNaN(array[i]));
    expect([pixel, filter, pooled, depthwise].map((array) => places(array!))).toEqual([[32, 33], [1, 3, 5, 7], [0], [4]]);
  });
});

// Nothing fits the window: outputs without rows or columns, whose gradients are zeros.
test.each<[string, number[], number[]]>([
  ['no columns', [2, 5, 2, 3], [3, 3, 3, 4]], ['no rows', [2, 2, 5, 3], [3, 3, 3, 4]], ['neither', [2, 2, 2, 8], [3, 3, 8, 8]], ['columns for a stride', [1, 6, 1, 3], [2, 2, 3, 1]],
])('an output with %s', async (_, image, kernel) => {
  for (const stride of [1, 2]) {
    const [y, dx, dw] = await on('wasm', () => {
      const f = (x: Tensor, w: Tensor): Tensor => conv2d(x as Tensor4D, w as Tensor4D, stride, 'valid');
      return withGradients(f, values(image, 1), values(kernel, 2));
    });
    const zeros = (shape: number[]): Float32Array => new Float32Array(shape.reduce((a, b) => a * b, 1));
    expect([y!.length, dx, dw]).toEqual([0, zeros(image), zeros(kernel)]);
  }
});
