import {
  avgPool, clipByValue, conv1d, conv3d, depthwiseConv2d, elu, engine, fused, grad, leakyRelu, maxPool, maxPool3d, mean, mul, type Rank, relu, relu6, softplus, sum, type Tensor, tensor1d,
} from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { expectSame, on, values, withGradients } from './compare.ts';

const zeros = (count: number): Float32Array => new Float32Array(count);

describe('an empty batch', () => {
  // Gradients with respect to what has values are sums over nothing.
  test.each([['BatchNormRows', false], ['BatchNormRows', true], ['BatchNormFixed', false], ['BatchNormFixed', true]] as const)('%s, rectified: %s', async (kernel, rectified) => {
    for (const joined of [false, true]) {
      const statistics = kernel === 'BatchNormFixed' ? [values([3], 4), mul(values([3], 5), values([3], 5))] : [];
      const f = (...at: Tensor[]): Tensor => {
        const [x, scale, offset, mean_, variance] = at as [Tensor, Tensor, Tensor, Tensor?, Tensor?];
        const inputs = { x, scale, offset, ...(joined && { plus: values([0, 2, 3], 6) }), ...(mean_ && { mean: mean_ }), ...(variance && { variance }) };
        return [engine().runKernel<Tensor | Tensor[]>(kernel, inputs, { counts: [0], epsilon: 1e-5, relu: rectified, joined })].flat()[0]!;
      };
      const [y, dx, ...others] = await on('wasm', () => withGradients(f, values([0, 2, 3], 1), values([3], 2), values([3], 3), ...statistics.map((held) => mul(held, 1))));
      expect([y!.length, dx!.length]).toEqual([0, 0]);
      for (const other of others) expect([...other].map(Math.abs)).toEqual([0, 0, 0]);
      for (const held of statistics) held.dispose();
    }
  });

  test.each<[string, number[], number[], (x: Tensor, w: Tensor, bias: Tensor) => Tensor]>([
    ['conv2d', [0, 6, 5, 3], [3, 3, 3, 4], (x, filter, bias) => fused.conv2d({ x: x as Tensor<Rank.R4>, filter: filter as Tensor<Rank.R4>, strides: 1, pad: 'same', bias, activation: 'relu' })],
    ['depthwiseConv2d', [0, 6, 5, 4], [3, 3, 4, 1], (x, filter, bias) => fused.depthwiseConv2d({ x: x as Tensor<Rank.R4>, filter: filter as Tensor<Rank.R4>, strides: 1, pad: 'same', bias })],
    ['matMul', [0, 6], [6, 4], (a, b, bias) => fused.matMul({ a, b, bias, activation: 'relu6' })],
  ])('fused %s', async (_, x, w, f) => {
    const [y, dx, dw, dBias] = await on('wasm', () => withGradients((...at) => f(...(at as [Tensor, Tensor, Tensor])), values(x, 1), values(w, 2), values([4], 3)));
    expect([y!.length, dx!.length, dw, dBias]).toEqual([0, 0, zeros(w.reduce((a, b) => a * b, 1)), zeros(4)]);
  });

  test.each([['sum', sum], ['mean', mean]] as const)('%s over it, and within it', async (_, reduce) => {
    for (const [shape, axes] of [[[0, 4], [0]], [[3, 0, 4], [1]], [[3, 0], [1]], [[0, 4], [0, 1]], [[0, 3, 4], [1]]] as const)
      await expectSame(() => withGradients((x) => reduce(x, [...axes]), values([...shape], 1)), [0]);
  });

  test.each([['relu', relu], ['relu6', relu6], ['leakyRelu', leakyRelu], ['elu', elu], ['softplus', softplus], ['clipByValue', (x: Tensor): Tensor => clipByValue(x, 0, 1)]] as const)('%s', async (_, f) => {
    const [y, dx] = await on('wasm', () => withGradients((x) => f(x), values([0, 5], 1)));
    expect([y!.length, dx!.length]).toEqual([0, 0]);
  });

  test('cross-entropy, of both kinds of target', async () => {
    for (const target of [(): Tensor => tensor1d([], 'int32'), (): Tensor => values([0, 4], 2)]) {
      const loss = (logits: Tensor): Tensor => engine().runKernel('SoftmaxCrossEntropy', { logits, target: target() }, { smoothing: 0.1 });
      const [y, dx, total] = await on('wasm', () => [...withGradients((x) => loss(x), values([0, 4], 1)), grad((x: Tensor) => mean(loss(x)))(values([0, 4], 1))]);
      expect([y!.length, dx!.length, total!.length]).toEqual([0, 0, 0]);
    }
  });
});

// Nothing fits the windows: there is no output, and gradients are zeros.
test.each<[string, number[], number[], (x: Tensor, w: Tensor) => Tensor]>([
  ['depthwise conv2d', [2, 5, 2, 3], [3, 3, 3, 2], (x, w) => depthwiseConv2d(x as Tensor<Rank.R4>, w as Tensor<Rank.R4>, 1, 'valid')],
  ['conv1d', [2, 2, 3], [3, 3, 4], (x, w) => conv1d(x as Tensor<Rank.R3>, w as Tensor<Rank.R3>, 1, 'valid')],
  ['conv3d without columns', [2, 4, 5, 2, 3], [3, 3, 3, 3, 2], (x, w) => conv3d(x as Tensor<Rank.R5>, w as Tensor<Rank.R5>, 1, 'valid')],
  ['conv3d without slices', [2, 2, 5, 5, 3], [3, 3, 3, 3, 2], (x, w) => conv3d(x as Tensor<Rank.R5>, w as Tensor<Rank.R5>, 1, 'valid')],
  ['maxPool', [2, 5, 2, 3], [], (x) => maxPool(x as Tensor<Rank.R4>, 3, 1, 'valid')],
  ['avgPool', [2, 2, 5, 3], [], (x) => avgPool(x as Tensor<Rank.R4>, 3, 1, 'valid')],
  ['maxPool3d', [2, 2, 5, 2, 3], [], (x) => maxPool3d(x as Tensor<Rank.R5>, 3, 1, 'valid')],
])('an output without places: %s', async (_, x, w, f) => {
  const [y, ...slopes] = await on('wasm', () => withGradients((...at) => f(...(at as [Tensor, Tensor])), values(x, 1), ...(w.length > 0 ? [values(w, 2)] : [])));
  const sizes = [x, ...(w.length > 0 ? [w] : [])].map((shape) => shape.reduce((a, b) => a * b, 1));
  expect([y!.length, ...slopes]).toEqual([0, ...sizes.map(zeros)]);
});
