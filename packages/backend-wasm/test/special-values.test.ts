import {
  add, conv1d, conv3d, depthwiseConv2d, engine, getBackend, grads, matMul, mean, mul, relu, rsqrt, type Rank, sqrt, square, sub, sum, div, type Tensor,
} from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { on, values } from './compare.ts';

const SPECIAL = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

/** Values with one that is not finite at that place. */
function poisoned<R extends Rank>(shape: number[], seed: number, at: number, bad: number): Tensor<R> {
  const held = values(shape, seed).bufferSync();
  held.values[at] = bad;
  return held.toTensor() as Tensor<R>;
}

const kinds = (array: Float32Array): string[] => [...array].map((value) => (Number.isFinite(value) ? '.' : String(value)));

/** Asserts that NaN and infinities stand where they do on TF.js's cpu backend, and that there are some, unless a ReLU may take them. */
async function expectKinds(work: () => Tensor[], some = true): Promise<void> {
  const [got, expected] = [await on('wasm', work), await on('cpu', work)];
  expect(got.map(kinds)).toEqual(expected.map(kinds));
  if (some) expect(got.some((array) => array.some((value) => !Number.isFinite(value)))).toBe(true);
}

describe.each(SPECIAL)('%d', (bad) => {
  test.each([[false, false], [false, true], [true, false], [true, true]])('through a matrix product, transposed: %s, %s', async (left, right) => {
    for (const [rows, inner, columns] of [[5, 7, 9], [3, 4, 2], [9, 33, 8]] as const) {
      const shapeA = left ? [inner, rows] : [rows, inner];
      const shapeB = right ? [columns, inner] : [inner, columns];
      await expectKinds(() => [matMul(poisoned(shapeA, 1, 4, bad), values(shapeB, 2), left, right)]);
      await expectKinds(() => [matMul(values(shapeA, 1), poisoned(shapeB, 2, 5, bad), left, right)]);
      await expectKinds(() => grads((a: Tensor, b: Tensor) => matMul(a, b, left, right))([values(shapeA, 1), values(shapeB, 2)], poisoned([rows, columns], 3, 4, bad)));
    }
  });

  test.each([['sum', sum], ['mean', mean]] as const)('through a %s', async (_, reduce) => {
    for (const [shape, axes] of [[[70, 5], [0]], [[3, 4, 6], [1]], [[2, 3, 4, 5], [1, 2]], [[7, 6], [1]]] as const) {
      await expectKinds(() => [reduce(poisoned([...shape], 1, 13, bad), [...axes])]);
      await expectKinds(() => {
        const y = reduce(values([...shape], 1), [...axes]);
        return grads((x: Tensor) => reduce(x, [...axes]))([values([...shape], 1)], poisoned(y.shape, 2, 1, bad));
      });
    }
  });

  test.each(Object.entries({ add, sub, mul }))('through %s', async (_, operation) => {
    for (const [large, small] of [[[3, 5], [5]], [[3, 4, 2, 6], [3, 1, 1, 6]], [[3, 5], [3, 1]], [[9, 7], [9, 7]]] as const) {
      await expectKinds(() => [operation(poisoned([...large], 1, 7, bad), values([...small], 2)), operation(values([...large], 1), poisoned([...small], 2, 1, bad))]);
      await expectKinds(() => grads((a: Tensor, b: Tensor) => operation(a, b))([values([...large], 1), values([...small], 2)], poisoned([...large], 3, 7, bad)));
    }
  });

  // Oracle: the composition on the cpu backend.
  describe.each([false, true])('through batch norm, statistics given: %s', (given) => {
    test.each([false, true])('rectified: %s', async (rectified) => {
      const norm = (...at: Tensor[]): Tensor => {
        const [x, scale, offset, center, spread] = at as [Tensor, Tensor, Tensor, Tensor, Tensor];
        if (getBackend() === 'wasm') {
          const inputs = { x, scale, offset, ...(given && { mean: center, variance: spread }) };
          return [engine().runKernel<Tensor | Tensor[]>(given ? 'BatchNormFixed' : 'BatchNormRows', inputs, { counts: [6], epsilon: 1e-5, relu: rectified, joined: false })].flat()[0]!;
        }
        const off = sub(x, given ? center : mean(x, [0, 1]));
        const y = add(mul(off, mul(scale, rsqrt(add(given ? spread : mean(square(off), [0, 1]), 1e-5)))), offset);
        return rectified ? relu(y) : y;
      };
      const statistics = (): Tensor[] => [values([7], 2), values([7], 3), values([7], 4), square(values([7], 5))];
      await expectKinds(() => [norm(poisoned([6, 3, 7], 1, 24, bad), ...statistics())], !rectified);
      // Where a ReLU lets nothing through, TF.js multiplies by zero.
      if (rectified) return;
      const slopes = (): Tensor[] => grads((x: Tensor) => norm(x, ...statistics()))([values([6, 3, 7], 1)], poisoned([6, 3, 7], 6, 24, bad));
      const [[got], [expected]] = [await on('wasm', slopes), await on('cpu', slopes)];
      expect([...got!].map(Number.isFinite)).toEqual([...expected!].map(Number.isFinite));
      expect([...got!].every(Number.isFinite)).toBe(false);
    });
  });

  // Oracle: the ordinary operations that a step stands for.
  test.each([[false], [true]])('through an optimizer step, Nesterov: %s', async (nesterov) => {
    const momentum = { rate: 0.1, momentum: 0.9, nesterov, decay: 5e-4 };
    await expectKinds(() => {
      const [parameter, gradient, slot] = [values([11], 1), poisoned([11], 2, 5, bad), values([11], 3)];
      if (getBackend() === 'wasm') return engine().runKernel<Tensor[]>('MomentumStep', { parameter, gradient, slot }, momentum);
      const g = add(gradient, mul(parameter, momentum.decay));
      const heavy = add(mul(slot, momentum.momentum), g);
      return [sub(parameter, mul(nesterov ? add(g, mul(heavy, momentum.momentum)) : heavy, momentum.rate)), heavy];
    });
    await expectKinds(() => {
      const [parameter, gradient, m, v] = [values([11], 1), poisoned([11], 2, 5, bad), values([11], 3), square(values([11], 4))];
      if (getBackend() === 'wasm') return engine().runKernel<Tensor[]>('AdamStep', { parameter, gradient, mean: m, square: v }, { length: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-7, decay: 0 });
      const [nextM, nextV] = [add(mul(m, 0.9), mul(gradient, 0.1)), add(mul(v, 0.99), mul(square(gradient), 0.01))];
      return [sub(parameter, mul(div(nextM, add(sqrt(nextV), 1e-7)), 0.1)), nextM, nextV];
    });
  });
});

type Operation = (x: Tensor, w: Tensor) => Tensor;
const CONVOLUTIONS: readonly (readonly [string, Operation, number[], number[], number[]])[] = [
  ['depthwise conv2d', (x, w) => depthwiseConv2d(x as Tensor<Rank.R4>, w as Tensor<Rank.R4>, 1, 'same'), [2, 7, 6, 5], [3, 3, 5, 1], [2, 7, 6, 5]],
  ['depthwise conv2d, two filters a channel', (x, w) => depthwiseConv2d(x as Tensor<Rank.R4>, w as Tensor<Rank.R4>, 1, 'same'), [2, 7, 6, 3], [3, 3, 3, 2], [2, 7, 6, 6]],
  ['conv1d', (x, w) => conv1d(x as Tensor<Rank.R3>, w as Tensor<Rank.R3>, 1, 'same'), [2, 19, 3], [5, 3, 7], [2, 19, 7]],
  ['conv3d', (x, w) => conv3d(x as Tensor<Rank.R5>, w as Tensor<Rank.R5>, 1, 'same'), [2, 4, 5, 6, 2], [3, 3, 3, 2, 3], [2, 4, 5, 6, 3]],
  ['conv3d, wide', (x, w) => conv3d(x as Tensor<Rank.R5>, w as Tensor<Rank.R5>, 1, 'same'), [2, 3, 6, 6, 4], [2, 3, 3, 4, 8], [2, 3, 6, 6, 8]],
];

describe.each(CONVOLUTIONS)('gradients of %s', (_, f, x, w, y) => {
  test.each(SPECIAL)('%d in the output gradient reaches what its windows hold, and no other example', async (bad) => {
    // Away from the border: zeros around an image count as zeros here, and are left out on cpu.
    const middle = y.slice(1).reduce((at, size) => at * size + (size >> 1), 1);
    const work = (): Tensor[] => grads(f)([values(x, 1), values(w, 2)], poisoned(y, 3, middle, bad));
    const [[dx, dw], [expectedX, expectedW]] = [await on('wasm', work), await on('cpu', work)] as [[Float32Array, Float32Array], [Float32Array, Float32Array]];
    expect(kinds(dx)).toEqual(kinds(expectedX));
    expect(dx.subarray(0, dx.length / 2).every(Number.isFinite)).toBe(true);
    expect([...dw].map(Number.isFinite)).toEqual([...expectedW].map(Number.isFinite));
  });
});
