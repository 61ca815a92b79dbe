import { add, engine, getBackend, grad, matMul, profile, relu, sum, type Tensor, type Tensor2D, tidy } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { startWasm } from '../src/index.ts';
import { bytes, expectSame, expectSecondOrder, on, values, withGradients } from './compare.ts';

beforeAll(async () => void (await startWasm()));

/** The kernel on wasm, the operations it stands for on TF.js's cpu backend. */
const dense = (rectified: boolean) => (x: Tensor, weights: Tensor, bias?: Tensor): Tensor => {
  if (getBackend() === 'wasm') return engine().runKernel('Dense', { x, weights, ...(bias && { bias }) }, { relu: rectified });
  const product = matMul(x as Tensor2D, weights as Tensor2D);
  const y = bias === undefined ? product : add(product, bias);
  return rectified ? relu(y) : y;
};

describe.each([false, true])('a fully connected layer, rectified: %s', (rectified) => {
  const op = dense(rectified);

  // One row, few columns (which have a kernel of their own), fewer rows than a tile, whole tiles.
  test.each([[1, 7, 9], [6, 5, 3], [3, 20, 10], [10, 16, 8]])('%i rows, %i to %i: values and gradients', async (rows, inputs, outputs) => {
    const given = (): [Tensor, Tensor, Tensor] => [values([rows, inputs], 1), values([inputs, outputs], 2), values([outputs], 3)];
    await expectSame(() => withGradients((x, weights, bias) => op(x, weights, bias), ...given()), [1e-5]);
    await expectSame(() => withGradients((x, weights) => op(x, weights), ...given().slice(0, 2)), [1e-5]);
  });

  test('second derivatives are those of the gradients', async () => {
    // All outputs are above zero, away from a ReLU's kink.
    await expectSecondOrder((x, weights, bias) => op(x, weights, bias), () => [add(values([3, 4], 1), 3), add(values([4, 5], 2), 2), values([5], 3)], 5e-3);
  });

  test('no rows', async () => {
    const [y] = await on('wasm', () => [op(values([0, 4], 1), values([4, 5], 2), values([5], 3))]);
    expect(y).toHaveLength(0);
  });

  test('a row has the bits it has alone', async () => {
    const work = (rows: number[]) => (): Tensor[] => rows.map((row) => op(values([1, 6], row), values([6, 12], 2), values([12], 3)));
    const [first] = await on('wasm', work([1]));
    const [batch] = await on('wasm', () => [op(values([7, 6], 1), values([6, 12], 2), values([12], 3))]);
    expect(bytes(batch!.slice(0, 12))).toEqual(bytes(first!));
  });
});

test('the input gradient runs one product, and reshapes nothing', async () => {
  const [x, weights, bias] = [values([3, 4], 1), values([4, 5], 2), values([5], 3)];
  const { kernels } = await profile(() => tidy(() => grad((at: Tensor) => sum(dense(true)(at, weights, bias)))(x)));
  const names = kernels.map(({ name }) => name).filter((name) => ['Dense', 'BatchMatMul', '_FusedMatMul', 'Relu', 'ReluGrad', 'Add', 'Transpose'].includes(name));
  expect(names).toEqual(['Dense', 'ReluGrad', 'BatchMatMul']);
});
