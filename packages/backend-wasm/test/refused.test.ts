import {
  backend, cast, conv2d, conv3d, depthwiseConv2d, engine, fused, grad, matMul, maxPool, maxPool3d, memory, type NamedAttrMap, type Rank, type Tensor,
  tensor, tensor1d, tidy, tile, zeros,
} from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { beforeAll, describe, expect, test } from 'vitest';
import { startWasm } from '../src/index.ts';
import { withScratch } from '../src/native/scratch.ts';
import { values } from './compare.ts';

beforeAll(async () => void (await startWasm()));

const run = (name: string, inputs: Record<string, Tensor>, attrs: object = {}): Tensor =>
  [engine().runKernel<Tensor | Tensor[]>(name, inputs, attrs as NamedAttrMap)].flat()[0]!;

/** Asserts that the work ends with that code, and leaves no tensor. */
function expectCode(code: string, work: () => unknown): void {
  const before = memory().numTensors;
  expectThrow(code, work);
  expect(memory().numTensors).toBe(before);
}

const expectThrow = (code: string, work: () => unknown): void => expect(() => tidy(() => void work())).toThrow(expect.objectContaining({ code }));

const [image, filter] = [[1, 4, 5, 5], [3, 3, 4, 2]];
const FLAT = { strides: [1, 1], pad: 'same', dimRoundingMode: 'floor' };
const [solid, cube] = [[1, 2, 4, 5, 5], [3, 3, 3, 2, 2]];

describe('channels that do not stand last', () => {
  test.each<[string, () => Tensor]>([
    ['conv2d', () => conv2d(values<Rank.R4>(image, 1), values<Rank.R4>(filter, 2), 1, 'same', 'NCHW')],
    ['conv2d, dilated', () => conv2d(values<Rank.R4>(image, 1), values<Rank.R4>(filter, 2), 1, 'same', 'NCHW', 2)],
    ['depthwiseConv2d', () => depthwiseConv2d(values<Rank.R4>(image, 1), values<Rank.R4>(filter, 2), 1, 'same', 'NCHW')],
    ['fused.conv2d', () => fused.conv2d({ x: values<Rank.R4>(image, 1), filter: values<Rank.R4>(filter, 2), strides: 1, pad: 'same', dataFormat: 'NCHW' })],
    ['Conv2DBackpropInput', () => run('Conv2DBackpropInput', { dy: values([1, 2, 5, 5], 1), filter: values(filter, 2) }, { ...FLAT, inputShape: image, dataFormat: 'NCHW' })],
    ['Conv2DBackpropFilter', () => run('Conv2DBackpropFilter', { x: values(image, 1), dy: values([1, 2, 5, 5], 2) }, { ...FLAT, filterShape: filter, dataFormat: 'NCHW' })],
    ['Conv3D', () => run('Conv3D', { x: values(solid, 1), filter: values(cube, 2) }, { strides: [1, 1, 1], pad: 'same', dataFormat: 'NCDHW', dilations: [1, 1, 1] })],
    ['MaxPool3D', () => run('MaxPool3D', { x: values(solid, 1) }, { filterSize: [2, 2, 2], strides: [2, 2, 2], pad: 'same', dataFormat: 'NCDHW' })],
    ['AvgPool', () => run('AvgPool', { x: values(image, 1) }, { filterSize: [2, 2], strides: [2, 2], pad: 'same', dataFormat: 'NCHW' })],
  ])('%s', (_, work) => expectCode('RJS_WASM_LAYOUT', work));
});

const whole = (shape: number[]): Tensor => tensor(Int32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => ((7 * i) % 23) - 11), shape, 'int32');

/** What `JudgeRows` takes of two rows besides the inputs. */
function keptRows(): Record<string, Tensor> {
  const [flags, floats] = [tensor1d([1, 0], 'bool'), values([2], 5)];
  return {
    best: values([2, 3], 6), distances: floats, values: floats, keptValues: floats, keptDistances: floats,
    finite: flags, adversarial: flags, success: flags, rejected: tensor1d([0, 0], 'int32'),
  };
}

describe('integers where floats are read', () => {
  test.each<[string, () => Tensor]>([
    ['maxPool', () => maxPool(whole([1, 4, 4, 2]) as Tensor<Rank.R4>, 2, 2, 'same')],
    ['maxPool3d', () => maxPool3d(whole([1, 4, 4, 4, 2]) as Tensor<Rank.R5>, 2, 2, 'same')],
    ['AvgPool', () => run('AvgPool', { x: whole([1, 4, 4, 2]) }, { filterSize: [2, 2], strides: [2, 2], pad: 'same' })],
    ['MaxPoolGrad', () => run('MaxPoolGrad', { dy: values([1, 2, 2, 2], 1), input: whole([1, 4, 4, 2]), output: values([1, 2, 2, 2], 1) }, { filterSize: [2, 2], strides: [2, 2], pad: 'same' })],
    ['conv3d', () => conv3d(whole([1, 4, 4, 4, 2]) as Tensor<Rank.R5>, whole(cube) as Tensor<Rank.R5>, 1, 'same')],
    ['matMul', () => matMul(whole([2, 3]), whole([3, 2]))],
    ['Conv2D', () => run('Conv2D', { x: whole(image), filter: values([3, 3, 5, 2], 1) }, { ...FLAT, dataFormat: 'NHWC', dilations: [1, 1] })],
    ['FusedConv2D', () => run('FusedConv2D', { x: values(image, 1), filter: values([3, 3, 5, 2], 1), bias: whole([2]) }, { ...FLAT, dataFormat: 'NHWC', dilations: [1, 1] })],
    ['DepthwiseConv2dNative', () => run('DepthwiseConv2dNative', { x: whole(image), filter: values([3, 3, 5, 2], 1) }, { ...FLAT, dataFormat: 'NHWC', dilations: [1, 1] })],
    ['BatchNormRows', () => run('BatchNormRows', { x: whole([4, 3]), scale: values([3], 1), offset: values([3], 2) }, { counts: [4], epsilon: 1e-5, relu: false, joined: false })],
    ['LinfStep', () => run('LinfStep', { x: whole([2, 3]), gradient: values([2, 3], 1), clean: values([2, 3], 2) }, { alpha: 1, eps: 1, low: 0, high: 1 })],
    ['LinfDistance', () => run('LinfDistance', { x: whole([2, 3]), clean: values([2, 3], 2) })],
    ['JudgeOutputs', () => run('JudgeOutputs', { outputs: whole([2, 3]), holds: tensor1d([1, 0], 'bool') }, { targeted: false })],
    ['JudgeRows', () => run('JudgeRows', { inputs: whole([2, 3]), ...keptRows() }, { most: 1, low: 0, high: 1, nearest: false })],
    ['LogitMargin', () => run('LogitMargin', { logits: whole([2, 3]), labels: tensor1d([1, 0], 'int32') })],
    ['PlaneDisplacement', () => run('PlaneDisplacement', { points: whole([2, 3]), normal: values([2, 3], 1), offset: values([2], 2) }, { weighted: false, low: 0, high: 1 })],
    ['MomentumStep', () => run('MomentumStep', { parameter: values([3], 1), gradient: whole([3]) }, { rate: 1, momentum: 0, nesterov: false, decay: 0 })],
    ['SelectRows', () => run('SelectRows', { mask: tensor1d([1, 0], 'bool'), yes: whole([2, 3]), no: whole([2, 3]) })],
    ['SoftmaxCrossEntropy', () => run('SoftmaxCrossEntropy', { logits: whole([2, 3]), target: tensor1d([0, 1], 'int32') }, { smoothing: 0 })],
    // TF.js's kernel takes the whole module down.
    ['tile of strings', () => tile(tensor1d(['a', 'b']), [2])],
  ])('%s', (_, work) => expectCode('RJS_WASM_DTYPE', work));
});

describe('gradients that nobody has written', () => {
  const rows = (): Record<'x' | 'clean' | 'gradient', Tensor> => ({ x: values([2, 3], 1), clean: values([2, 3], 2), gradient: values([2, 3], 3) });
  const adam = { length: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-7, decay: 0 };
  test.each<[string, (at: Tensor) => Tensor]>([
    ['LinfStep', (x) => run('LinfStep', { ...rows(), x }, { alpha: 0.1, eps: 1, low: -1, high: 1 })],
    ['L2Step', (x) => run('L2Step', { ...rows(), x }, { alpha: 0.1, eps: 1, low: -1, high: 1 })],
    ['SelectRows', (x) => run('SelectRows', { mask: tensor1d([1, 0], 'bool'), yes: x, no: rows().clean })],
    ['LinfDistance', (x) => run('LinfDistance', { x, clean: rows().clean })],
    ['JudgeOutputs', (x) => cast(run('JudgeOutputs', { outputs: x, holds: tensor1d([1, 0], 'bool') }, { targeted: false }), 'float32')],
    ['JudgeRows', (x) => run('JudgeRows', { inputs: x, ...keptRows() }, { most: 1, low: 0, high: 1, nearest: false })],
    ['LogitMarginGrad', (logits) => run('LogitMarginGrad', { dy: values([2], 1), logits, labels: tensor1d([1, 0], 'int32') })],
    ['ClassLeadGrad', (logits) => run('ClassLeadGrad', { dy: values([2], 1), logits, labels: tensor1d([1, 0], 'int32'), targets: tensor1d([2, 2], 'int32') })],
    ['PlaneDisplacement', (points) => run('PlaneDisplacement', { points, normal: rows().clean, offset: values([2], 2) }, { weighted: false, low: 0, high: 1 })],
    ['MomentumStep', (x) => run('MomentumStep', { parameter: rows().clean, gradient: x }, { rate: 0.1, momentum: 0, nesterov: false, decay: 0 })],
    ['AdamStep', (x) => run('AdamStep', { parameter: rows().clean, gradient: x, mean: zeros([2, 3]), square: zeros([2, 3]) }, adam)],
  ])('%s', (_, f) => expectCode('RJS_WASM_GRADIENT', () => grad(f)(values([2, 3], 4))));

  // TF.js asserts the same without a code; what its tape has saved stays then.
  test('a dilated convolution, fused or by name', () => {
    const [x, w] = [[1, 9, 9, 2], [3, 3, 2, 3]];
    const at = { strides: 1, pad: 'same', dilations: 2 } as const;
    expectThrow('RJS_WASM_GRADIENT', () => grad((from: Tensor) => fused.conv2d({ ...at, x: from as Tensor<Rank.R4>, filter: values<Rank.R4>(w, 2) }))(values(x, 1)));
    expectThrow('RJS_WASM_GRADIENT', () => grad((from: Tensor) => fused.depthwiseConv2d({ ...at, x: from as Tensor<Rank.R4>, filter: values<Rank.R4>(w, 2) }))(values(x, 1)));
    expectCode('RJS_WASM_GRADIENT', () => run('Conv2DBackpropFilter', { x: values(x, 1), dy: values([1, 9, 9, 3], 2) }, { ...FLAT, filterShape: w, dilations: [2, 2] }));
    const deep = { strides: [1, 1, 1], pad: 'same', inputShape: solid, dilations: [1, 2, 2] };
    expectCode('RJS_WASM_GRADIENT', () => run('Conv3DBackpropInputV2', { dy: values([1, 2, 4, 5, 2], 1), filter: values([3, 3, 3, 5, 2], 2) }, deep));
  });
});

describe('memory that there is not', () => {
  // 2^32 bytes and more do not fit 32-bit addresses; of 3 GiB there is room for one.
  test.each([2 ** 60, 2 ** 30, 3 * 2 ** 28])('scratch for %d floats twice', (count) =>
    expectCode('RJS_WASM_MEMORY', () => withScratch(backend() as BackendWasm, (scratch) => [scratch.floats(count), scratch.floats(count)])));

  test('a tensor', () => {
    expectCode('RJS_WASM_MEMORY', () => zeros([2 ** 15, 2 ** 15]));
    // What is at address 0 and everything else goes on as before.
    const y = tidy(() => conv2d(values<Rank.R4>([1, 5, 5, 1], 1), tensor<Rank.R4>([1], [1, 1, 1, 1]), 1, 'same').dataSync());
    expect([...y]).toEqual([...tidy(() => values([25], 1).dataSync())]);
  });
});
