import { concat, conv2d, engine, fill, grads, slice, type Tensor, type Tensor4D } from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { bytes, expectSecondOrder, largestDifference, on, values } from './compare.ts';

type Padding = 'same' | 'valid' | readonly [number, number, number, number];
interface Case {
  readonly image: readonly [number, number];
  readonly channels: readonly [number, number];
  readonly padding: Padding;
  readonly batch: number;
}

/** Even and odd sizes, with tiles of all sizes, windows that begin inside and outside, one block of images, and several with a rest. */
const CASES: readonly Case[] = [
  ...(['same', 'valid', [1, 1, 1, 1], [0, 2, 2, 1]] as const).flatMap((padding) =>
    ([[28, 28], [14, 14], [15, 11], [9, 18], [10, 24], [13, 20]] as const).map((image) => ({ image, channels: [16, 32] as const, padding, batch: 2 }))),
  { image: [28, 28], channels: [16, 32], padding: [1, 1, 1, 1], batch: 7 },
  { image: [14, 14], channels: [32, 32], padding: [1, 1, 1, 1], batch: 30 },
  { image: [16, 16], channels: [32, 64], padding: 'same', batch: 5 },
  { image: [9, 9], channels: [64, 64], padding: 'valid', batch: 3 },
  { image: [12, 8], channels: [20, 28], padding: [1, 0, 0, 1], batch: 9 },
  { image: [4, 5], channels: [24, 20], padding: [3, 4, 3, 3], batch: 4 },
  { image: [4, 4], channels: [32, 32], padding: 'same', batch: 12 },
  { image: [5, 6], channels: [16, 24], padding: 'valid', batch: 6 },
  { image: [41, 38], channels: [12, 64], padding: 'same', batch: 1 },
];
const name = ({ image, channels, padding, batch }: Case): string => `${batch} x ${image.join('x')}, ${channels.join(' to ')}, padding ${String(padding)}`;

const tfPadding = (padding: Padding) =>
  typeof padding === 'string' ? padding : ([[0, 0], [padding[0], padding[1]], [padding[2], padding[3]], [0, 0]] as [[number, number], [number, number], [number, number], [number, number]]);

const strided = (x: Tensor, w: Tensor, padding: Padding): Tensor4D => conv2d(x as Tensor4D, w as Tensor4D, 2, tfPadding(padding));

function inputGradient(dy: Tensor, filter: Tensor, inputShape: number[], padding: Padding): Tensor {
  return engine().runKernel('Conv2DBackpropInput', { dy, filter }, { strides: 2, pad: tfPadding(padding), dataFormat: 'NHWC', inputShape });
}

/** Padding in front of an axis, as TF.js defines it. */
function before(padding: Padding, axis: 0 | 1, size: number, outputs: number): number {
  if (padding === 'same') return Math.floor(Math.max(0, 2 * (outputs - 1) + 3 - size) / 2);
  return padding === 'valid' ? 0 : padding[2 * axis]!;
}

/** Calls `visit` with the places of each input, output and filter tap that meet. */
function meetings({ image, padding }: Case, [batch, rows, columns]: number[], visit: (x: number, y: number, tap: number) => void): void {
  const [top, left] = [before(padding, 0, image[0], rows!), before(padding, 1, image[1], columns!)];
  for (let n = 0; n < batch!; n++)
    for (let h = 0; h < rows!; h++)
      for (let w = 0; w < columns!; w++)
        for (let tap = 0; tap < 9; tap++) {
          const [row, column] = [2 * h + Math.floor(tap / 3) - top, 2 * w + (tap % 3) - left];
          if (row < 0 || column < 0 || row >= image[0] || column >= image[1]) continue;
          visit((n * image[0] + row) * image[1] + column, (n * rows! + h) * columns! + w, tap);
        }
}

/** The convolution and its input gradient in double precision. */
function exact(shape: Case, outputShape: number[], x: Float32Array, w: Float32Array, dy: Float32Array): [Float32Array, Float32Array] {
  const [from, to] = shape.channels;
  const [y, dx] = [new Float64Array(dy.length), new Float64Array(x.length)];
  meetings(shape, outputShape, (input, output, tap) => {
    for (let c = 0; c < from; c++)
      for (let f = 0; f < to; f++) {
        const weight = w[(tap * from + c) * to + f]!;
        y[output * to + f]! += weight * x[input * from + c]!;
        dx[input * from + c]! += weight * dy[output * to + f]!;
      }
  });
  return [Float32Array.from(y), Float32Array.from(dx)];
}

/** Another input channel, of zeros: such a number of channels goes to the direct kernels. */
const widened = (tensor: Tensor, axis: number): Tensor => concat([tensor, fill(tensor.shape.map((size, i) => (i === axis ? 1 : size)), 0)], axis);

describe('3x3 convolutions of stride 2', () => {
  test.each(CASES.map((shape) => [name(shape), shape] as const))('%s', async (_, shape) => {
    const inputShape = [shape.batch, ...shape.image, shape.channels[0]];
    let outputShape: number[] = [];
    const [x, w, dy, y, dx, directY, directDx] = await on('wasm', () => {
      const [input, filter] = [values(inputShape, 1), values([3, 3, ...shape.channels], 2)];
      const output = strided(input, filter, shape.padding);
      outputShape = output.shape;
      const slopes = values(outputShape, 3);
      const wide = widened(filter, 2);
      return [
        input, filter, slopes, output, inputGradient(slopes, filter, inputShape, shape.padding), strided(widened(input, 3), wide, shape.padding),
        slice(inputGradient(slopes, wide, [...inputShape.slice(0, 3), shape.channels[0] + 1], shape.padding), [0, 0, 0, 0], inputShape),
      ];
    });
    const [exactY, exactDx] = exact(shape, outputShape, x!, w!, dy!);
    for (const [got, direct, expected] of [[y!, directY!, exactY], [dx!, directDx!, exactDx]] as const) {
      expect(largestDifference(got, expected)).toBeLessThan(2e-6);
      expect(largestDifference(got, direct)).toBeLessThan(2e-6);
      // Not the direct kernel's bits, or this tests nothing.
      expect(bytes(got).equals(bytes(direct))).toBe(false);
    }
  });

  test.each(CASES.map((shape) => [name(shape), shape] as const))('rows by themselves keep their bits: %s', async (_, shape) => {
    const batch = 23;
    const rows = async (first: number, count: number): Promise<Buffer[]> => {
      const read = await on('wasm', () => {
        const filter = values([3, 3, ...shape.channels], 2);
        const take = (tensor: Tensor): Tensor => slice(tensor, [first, 0, 0, 0], [count, ...tensor.shape.slice(1)]);
        const x = take(values([batch, ...shape.image, shape.channels[0]], 1));
        const y = strided(x, filter, shape.padding);
        return [y, inputGradient(take(values([batch, ...y.shape.slice(1)], 3)), filter, x.shape, shape.padding)];
      });
      return read.map(bytes);
    };
    const whole = await rows(0, batch);
    for (const [first, count] of [[0, 1], [11, 1], [22, 1], [3, 8], [17, 6]] as const) {
      const part = await rows(first, count);
      part.forEach((got, i) => {
        const row = whole[i]!.length / batch;
        expect(got.equals(whole[i]!.subarray(first * row, (first + count) * row))).toBe(true);
      });
    }
  });

  test.each([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN])('%d in one example goes where it goes on cpu', async (bad) => {
    const work = (poison: boolean) => (): Tensor[] => {
      const filter = values([3, 3, 32, 16], 2);
      const poisoned = (shape: number[], seed: number, at: number[]): Tensor => {
        const held = values(shape, seed).bufferSync();
        if (poison) held.set(bad, ...at);
        return held.toTensor();
      };
      const y = strided(poisoned([9, 14, 13, 32], 1, [4, 6, 3, 5]), filter, [1, 1, 1, 1]);
      return [y, inputGradient(poisoned(y.shape, 3, [4, 2, 6, 7]), filter, [9, 14, 13, 32], [1, 1, 1, 1])];
    };
    const [got, clean, expected] = [await on('wasm', work(true)), await on('wasm', work(false)), await on('cpu', work(true))];
    const kinds = (array: Float32Array): string[] => [...array].map((value) => (Number.isFinite(value) ? '.' : String(value)));
    got.forEach((array, i) => {
      expect(kinds(array)).toEqual(kinds(expected[i]!));
      expect(kinds(array).some((kind) => kind !== '.')).toBe(true);
      const row = array.length / 9;
      for (let n = 0; n < 9; n++) if (n !== 4) expect(bytes(array.subarray(n * row, (n + 1) * row))).toEqual(bytes(clean[i]!.subarray(n * row, (n + 1) * row)));
    });
  });

  test.each([Number.POSITIVE_INFINITY, Number.NaN])('%d in the filter goes where it goes on cpu', async (bad) => {
    const work = (): Tensor[] => {
      const held = values([3, 3, 16, 32], 2).bufferSync();
      held.set(bad, 1, 1, 5, 9);
      const y = strided(values([3, 12, 12, 16], 1), held.toTensor(), 'same');
      return [y, inputGradient(values(y.shape, 3), held.toTensor(), [3, 12, 12, 16], 'same')];
    };
    const [got, expected] = [await on('wasm', work), await on('cpu', work)];
    got.forEach((array, i) => expect([...array].map(Number.isFinite)).toEqual([...expected[i]!].map(Number.isFinite)));
  });

  test('each filter is transformed by itself', async () => {
    const [first, second, again] = await on('wasm', () => {
      const x = values([2, 10, 10, 24], 1);
      return [2, 5, 2].map((seed) => strided(x, values([3, 3, 24, 24], seed), 'same'));
    });
    expect(bytes(first!).equals(bytes(again!))).toBe(true);
    expect(largestDifference(first!, second!)).toBeGreaterThan(0.1);
  });

  test('an empty batch has empty results', async () => {
    const got = await on('wasm', () => {
      const [x, w] = [values([0, 12, 12, 24], 1), values([3, 3, 24, 24], 2)];
      const y = strided(x, w, 'same');
      return [y, inputGradient(y, w, x.shape, 'same')];
    });
    expect(got.map(({ length }) => length)).toEqual([0, 0]);
  });

  test('second derivatives are slopes of the first', async () => {
    await expectSecondOrder((x, w) => strided(x, w, 'same'), () => [values([2, 9, 8, 20], 1), values([3, 3, 20, 20], 2)], 5e-3);
  });

  test('all gradients agree with the cpu', async () => {
    const work = (): Tensor[] => {
      const [x, w] = [values([4, 11, 10, 24], 1), values([3, 3, 24, 32], 2)];
      return grads((a: Tensor, b: Tensor) => strided(a, b, 'same'))([x, w], values([4, 6, 5, 32], 3));
    };
    const [got, expected] = [await on('wasm', work), await on('cpu', work)];
    got.forEach((array, i) => expect(largestDifference(array, expected[i]!)).toBeLessThan(1e-5));
  });
});
