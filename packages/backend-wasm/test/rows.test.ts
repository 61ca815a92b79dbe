import {
  add, avgPool, clipByValue, concat, conv1d, conv2d, conv3d, depthwiseConv2d, elu, engine, fused, grad, leakyRelu, logSoftmax, matMul, maxPool, maxPool3d, mean, mul,
  relu, relu6, reshape, slice, softmax, softplus, type Tensor, type Tensor3D, type Tensor4D, type Tensor5D, tidy,
} from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { startWasm } from '../src/index.ts';
import { bytes, values } from './compare.ts';

beforeAll(async () => void (await startWasm()));

const BATCH = 11;

type Network = (x: Tensor) => Tensor;

function convolution(kernel: number, channels: [number, number], stride: number, pad: 'same' | 'valid'): Network {
  return (x) => conv2d(x as Tensor4D, values([kernel, kernel, ...channels], 2), stride, pad);
}

/** The network of the speed benchmark, with a max pool and a dense head. */
const classifier: Network = (x) => {
  let y: Tensor = x;
  for (const [i, o, stride] of [[1, 16, 1], [16, 32, 2], [32, 32, 2]] as const) y = relu(convolution(3, [i, o], stride, 'same')(y));
  const pooled = maxPool(y as Tensor4D, 2, 2, 'same');
  return logSoftmax(matMul(reshape(pooled, [x.shape[0], -1]), values([4 * 4 * 32, 10], 3)));
};

const NETWORKS: readonly (readonly [string, number[], Network])[] = [
  ['3x3, 1 to 16', [28, 28, 1], convolution(3, [1, 16], 1, 'same')],
  ['3x3, 3 to 5, odd size', [13, 9, 3], convolution(3, [3, 5], 1, 'valid')],
  ['3x3, 16 to 32, stride 2', [14, 14, 16], convolution(3, [16, 32], 2, 'same')],
  ['5x5, 7 to 9, stride 3', [11, 17, 7], convolution(5, [7, 9], 3, 'same')],
  ['3x3, 16 to 12, stride 1', [9, 8, 16], convolution(3, [16, 12], 1, 'same')],
  ['1x1, 8 to 8', [5, 5, 8], convolution(1, [8, 8], 1, 'same')],
  ['1x1 on one pixel', [1, 1, 12], convolution(1, [12, 5], 1, 'same')],
  ['depthwise, two filters a channel, stride 2', [9, 7, 5], (x) => depthwiseConv2d(x as Tensor4D, values([3, 3, 5, 2], 2), 2, 'same')],
  ['conv1d', [21, 3], (x) => conv1d(x as Tensor3D, values([5, 3, 7], 2), 2, 'same')],
  ['conv3d', [5, 6, 7, 2], (x) => conv3d(x as Tensor5D, values([3, 3, 3, 2, 9], 2), 1, 'same')],
  ['conv3d, 8 to 8, stride 2', [4, 6, 6, 8], (x) => conv3d(x as Tensor5D, values([2, 3, 3, 8, 8], 2), 2, 'valid')],
  ['fused convolution', [9, 8, 3], (x) => fused.conv2d({ x: x as Tensor4D, filter: values([3, 3, 3, 5], 2), strides: 1, pad: 'same', bias: values([5], 3) })],
  ['pools', [9, 7, 6], (x) => add(maxPool(x as Tensor4D, 3, 2, 'same'), avgPool(x as Tensor4D, 3, 2, 'same'))],
  ['pools over three axes', [4, 5, 6, 3], (x) => maxPool3d(x as Tensor5D, 2, 2, 'same')],
  ['global pool', [7, 5, 6], (x) => mean(x, [1, 2])],
  ['activations', [5, 7], (x) => [relu6, (at: Tensor) => leakyRelu(at, 0.1), elu, softplus, (at: Tensor) => clipByValue(at, -0.5, 0.5)].map((f) => f(x)).reduce((a, b) => add(a, b))],
  ['cross-entropy', [13], (x) => reshape(engine().runKernel<Tensor>('SoftmaxCrossEntropy', { logits: x, target: softmax(mul(x, 0.5)) }, { smoothing: 0 }), [-1, 1])],
  ['depthwise', [9, 7, 6], (x) => depthwiseConv2d(x as Tensor4D, values([3, 3, 6, 1], 2), 1, 'same')],
  ['products in a batch', [9, 53], (x) => matMul(x, mul(x, 0.5), false, true)],
  ['classifier', [28, 28, 1], classifier],
];

/** Output and input gradient of the rows `order` of a fixed batch, each row's bytes by itself. */
async function rowBytes(shape: number[], network: Network, order: readonly number[]): Promise<string[]> {
  const [y, dx] = tidy(() => {
    const all = values([BATCH, ...shape], 1);
    const x = concat(order.map((row) => slice(all, [row], [1])));
    const out = network(x);
    const weights = values([BATCH, ...out.shape.slice(1)], 4);
    const dy = concat(order.map((row) => slice(weights, [row], [1])));
    return [out, grad(network)(x, dy)] as [Tensor, Tensor];
  });
  const read = [(await y.data()) as Float32Array, (await dx.data()) as Float32Array];
  y.dispose();
  dx.dispose();
  const row = (array: Float32Array, i: number): string =>
    bytes(array.subarray((i * array.length) / order.length, ((i + 1) * array.length) / order.length)).toString('base64');
  return order.map((_, i) => read.map((array) => row(array, i)).join());
}

describe('a row\'s bits depend neither on the size of its batch nor on its place in it', () => {
  test.each(NETWORKS)('%s', async (_, shape, network) => {
    const order = Array.from({ length: BATCH }, (_unused, i) => i);
    const whole = await rowBytes(shape, network, order);
    expect(new Set(whole).size).toBe(BATCH);
    const shuffled = [7, 2, 10, 0, 5, 1, 9, 3, 8, 6, 4];
    const permuted = await rowBytes(shape, network, shuffled);
    shuffled.forEach((row, i) => expect(permuted[i]).toBe(whole[row]));
    for (const part of [[0], [3], [10], [1, 2], [4, 5, 6], [6, 7, 8, 9, 10]])
      expect(await rowBytes(shape, network, part)).toEqual(part.map((row) => whole[row]));
  });
});
