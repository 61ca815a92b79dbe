// Oracle: the same displacement in ordinary operations.
import { concat, getKernel, mul, type Rank, slice, type Tensor, tensor, type Tensor1D } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { displacementToPlane } from '../../attacks/src/fab/project.ts';
import { startWasm } from '../src/index.ts';
import { expectComposition, on, values } from './compare.ts';

beforeAll(async () => void (await startWasm()));

const KERNELS = ['PlaneDisplacement'];

test('is a kernel here', () => expect(getKernel('PlaneDisplacement', 'wasm')).toBeDefined());

interface Planes {
  readonly points: Tensor;
  readonly normal: Tensor;
  readonly offset: Tensor1D;
}

/** Planes near and far, on either side; normals of very different sizes, one of them zero. */
function planes(shape: number[]): Planes {
  const rows = shape[0]!;
  const sizes = tensor(Float32Array.from({ length: rows }, (_, row) => (row === 1 ? 0 : 10 ** (3 - 6 * row))), [rows, ...shape.slice(1).map(() => 1)]);
  const distances = tensor(Float32Array.from({ length: rows }, (_, row) => (row % 2 === 0 ? 1 : -1) * 0.3 * 10 ** (3 - 6 * row) * (row + 1) ** 2), [rows]);
  return { points: values(shape, 1), normal: mul(values(shape, 2), sizes), offset: distances as Tensor1D };
}

const displaced = (norm: 'Linf' | 'L2', { points, normal, offset }: Planes): Tensor => displacementToPlane(norm, points, normal, offset, [-1, 1]);

describe.each(['Linf', 'L2'] as const)('%s', (norm) => {
  test.each([[[6, 4, 3, 2]], [[7, 7]], [[1, 5, 5, 3]], [[4, 1]], [[0, 6]], [[3, 784]]])('%j: the bits of the composition', async (shape) => {
    await expectComposition(KERNELS, () => [displaced(norm, planes(shape))]);
  });

  test('a row is the same in any batch', async () => {
    const [whole] = await on('wasm', () => [displaced(norm, planes([5, 9]))]);
    const [parts] = await on('wasm', () => {
      const all = planes([5, 9]);
      const cut = <T extends Tensor>(x: T, row: number, count: number): T => slice<Rank, T>(x, row, count);
      const part = (row: number, count: number): Tensor =>
        displaced(norm, { points: cut(all.points, row, count), normal: cut(all.normal, row, count), offset: cut(all.offset, row, count) });
      return [concat([part(0, 1), part(1, 3), part(4, 1)])];
    });
    expect(parts).toEqual(whole);
  });

  test.each([Number.NaN, Infinity, -Infinity])('%d in points, normals and offsets', async (bad) => {
    for (const name of ['points', 'normal', 'offset'] as const) {
      await expectComposition(KERNELS, () => {
        const all = planes([4, 7]);
        const held = all[name].bufferSync();
        held.values[name === 'offset' ? 2 : 15] = bad;
        return [displaced(norm, { ...all, [name]: held.toTensor() })];
      });
    }
  });
});
