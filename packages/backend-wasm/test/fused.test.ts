import { loadGraphModel } from '@tensorflow/tfjs-converter';
import {
  customGrad, dispose, engine, fused, grad, grads, memory, mul, profile, sum, type Tensor, type Tensor3D, type Tensor4D, tidy, variable, variableGrads,
} from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, test } from 'vitest';
import { startWasm } from '../src/index.ts';
import { expectSame, expectSecondOrder, expectSlopes, on, values, withGradients } from './compare.ts';

beforeAll(async () => void (await startWasm()));

type Activation = 'linear' | 'relu' | 'relu6' | 'elu' | 'leakyrelu' | 'sigmoid';
const ACTIVATIONS: readonly Activation[] = ['linear', 'relu', 'relu6', 'elu', 'leakyrelu', 'sigmoid'];

const conv = (activation: Activation) => (x: Tensor, filter: Tensor, bias?: Tensor): Tensor =>
  fused.conv2d({ x: x as Tensor4D, filter: filter as Tensor4D, strides: 2, pad: 'same', activation, leakyreluAlpha: 0.2, ...(bias && { bias }) });
const depthwise = (activation: Activation) => (x: Tensor, filter: Tensor, bias?: Tensor): Tensor =>
  fused.depthwiseConv2d({ x: x as Tensor4D, filter: filter as Tensor4D, strides: 1, pad: 'same', activation, leakyreluAlpha: 0.2, ...(bias && { bias }) });
const dense = (activation: Activation) => (a: Tensor, b: Tensor, bias?: Tensor): Tensor => fused.matMul({ a, b, activation, leakyreluAlpha: 0.2, ...(bias && { bias }) });

const OPS = [
  ['conv2d', conv, [2, 7, 6, 3], [3, 3, 3, 5], 5, 'Conv2DBackpropFilter', 'Conv2DBackpropInput'],
  ['depthwiseConv2d', depthwise, [2, 7, 6, 5], [3, 3, 5, 1], 5, 'DepthwiseConv2dNativeBackpropFilter', 'DepthwiseConv2dNativeBackpropInput'],
  ['matMul', dense, [4, 6], [6, 5], 5, 'none', 'BatchMatMul'],
] as const;

const inputsOf = (x: readonly number[], w: readonly number[], channels: number) => (): [Tensor, Tensor, Tensor] => [values([...x], 1), values([...w], 2), values([channels], 3)];

/** How often each kernel ran. */
async function kernelsOf(work: () => Tensor): Promise<Map<string, number>> {
  const { kernels } = await profile(() => tidy(work));
  return kernels.reduce((counts, { name }) => counts.set(name, (counts.get(name) ?? 0) + 1), new Map<string, number>());
}

describe.each(OPS)('fused %s', (_, op, x, w, channels, backpropFilter, backpropInput) => {
  const inputs = inputsOf(x, w, channels);

  // Oracle: the cpu backend.
  test.each(ACTIVATIONS)('%s: values; gradients where they exist', async (activation) => {
    const [a, b, bias] = [0, 1, 2].map((i) => () => inputs()[i]!) as [() => Tensor, () => Tensor, () => Tensor];
    await expectSame(() => [op(activation)(a(), b(), bias()), op(activation)(a(), b())], [1e-5]);
    await expectSame(() => withGradients((at, filter, level) => op(activation)(at, filter, level), ...inputs()), [1e-5, 1e-4]);
    await expectSame(() => withGradients((at, filter) => op(activation)(at, filter), a(), b()), [1e-5, 1e-4]);
  });

  test('gradients are slopes, and second derivatives those of the gradients', async () => {
    await expectSlopes((at, filter, level) => op('linear')(at, filter, level), inputs, 0.1, 1e-3);
    await expectSecondOrder((at, filter, level) => op('linear')(at, filter, level), inputs, 5e-3);
  });

  test('the input gradient alone computes no other', async () => {
    const [, filter, bias] = inputs();
    const at = inputs()[0];
    const counts = await kernelsOf(() => grad((from: Tensor) => op('linear')(from, filter, bias))(at));
    expect(counts.get(backpropInput)).toBe(1);
    expect(counts.get(backpropFilter)).toBeUndefined();
    expect(counts.get('Sum')).toBeUndefined();
  });

  test('NaN stays', async () => {
    const [y] = await on('wasm', () => {
      const held = inputs()[0].bufferSync();
      held.set(Number.NaN, 1, ...x.slice(1).map(() => 2));
      return [op('relu')(held.toTensor(), inputs()[1], inputs()[2])];
    });
    expect(y!.some(Number.isNaN)).toBe(true);
  });

  test('no tensor is left', () => {
    const before = memory().numTensors;
    tidy(() => void grads((at: Tensor, filter: Tensor, level: Tensor) => op('linear')(at, filter, level))(inputs()));
    expect(memory().numTensors).toBe(before);
    const held = tidy(() => inputs().map((input) => variable(input)) as Tensor[] as [Tensor, Tensor, Tensor]);
    tidy(() => void variableGrads(() => sum(op('linear')(...held))));
    dispose(held);
    expect(memory().numTensors).toBe(before);
  });
});

// TF.js's own gradient fails here.
test('an image without a batch axis', async () => {
  const f = (x: Tensor, w: Tensor): Tensor => fused.conv2d({ x: x as Tensor3D, filter: w as Tensor4D, strides: 1, pad: 'valid' });
  await expectSlopes(f, () => [values([6, 5, 2], 1), values([3, 3, 2, 3], 2)], 0.1, 1e-3);
});

test('a fused kernel run by name with an activation has no gradient, and says so', () => {
  const [x, filter] = [values([1, 4, 4, 1], 1), values([3, 3, 1, 1], 2)];
  const attrs = { strides: [1, 1], pad: 'same', dataFormat: 'NHWC', dilations: [1, 1], activation: 'relu' };
  expect(() => grad((at: Tensor) => engine().runKernel('FusedConv2D', { x: at, filter }, attrs))(x)).toThrow(expect.objectContaining({ code: 'RJS_FUSED_ACTIVATION' }));
});

// Oracle: the gradient that is written there, 100 an element, and a straight-through one of 7.
test('a custom gradient that runs a fused kernel by its name keeps its own', () => {
  const attrs = { strides: [1, 1], pad: 'same', dataFormat: 'NHWC', dilations: [1, 1] } as never;
  const [x, filter] = [values([1, 2, 2, 1], 1), tidy(() => mul(values([1, 1, 1, 1], 2), 0))];
  const product = customGrad((at) => ({ value: mul(engine().runKernel<Tensor>('FusedConv2D', { x: at as Tensor, filter }, attrs), 2), gradFunc: (dy: Tensor) => mul(dy, 100) }));
  const through = customGrad((at) => ({ value: engine().runKernel<Tensor>('FusedConv2D', { x: at as Tensor, filter }, attrs), gradFunc: (dy: Tensor) => mul(dy, 7) }));
  const before = memory().numTensors;
  for (const [f, slope] of [[product, 100], [through, 7]] as const)
    expect([...tidy(() => grad((at: Tensor) => f(at))(x).dataSync())]).toEqual(Array(4).fill(slope));
  // What it saves reaches it.
  const square = customGrad((at, save) => {
    const y = mul(engine().runKernel<Tensor>('FusedConv2D', { x: at as Tensor, filter }, attrs), 2);
    (save as unknown as (tensors: Tensor[]) => void)([at as Tensor]);
    return { value: y, gradFunc: (dy: Tensor, [saved]: Tensor[]) => mul(dy, saved!) };
  });
  expect([...tidy(() => grad((at: Tensor) => square(at))(x).dataSync())]).toEqual([...x.dataSync()]);
  expect(memory().numTensors).toBe(before);
  dispose([x, filter]);
});

test('tf.layers: an attack computes input gradients only, a training step both', async () => {
  const model = sequential({
    layers: [
      layers.conv2d({ inputShape: [8, 8, 1], filters: 4, kernelSize: 3, padding: 'same' }),
      layers.batchNormalization(),
      layers.depthwiseConv2d({ kernelSize: 3 }),
      layers.conv2d({ filters: 3, kernelSize: 3, activation: 'relu' }),
      layers.flatten(),
      layers.dense({ units: 2 }),
    ],
  });
  const x = values([2, 8, 8, 1], 1);
  const attack = await kernelsOf(() => grad((at: Tensor) => model.apply(at) as Tensor)(x));
  expect([attack.get('Conv2DBackpropInput'), attack.get('DepthwiseConv2dNativeBackpropInput')]).toEqual([2, 1]);
  for (const name of ['Conv2DBackpropFilter', 'DepthwiseConv2dNativeBackpropFilter']) expect(attack.get(name)).toBeUndefined();
  const trained = await kernelsOf(() => Object.values(variableGrads(() => sum(model.apply(x) as Tensor)).grads)[0]!);
  expect([trained.get('Conv2DBackpropFilter'), trained.get('DepthwiseConv2dNativeBackpropFilter')]).toEqual([2, 1]);
  model.dispose();
  x.dispose();
});

test('tf.GraphModel: an attack through _FusedConv2D computes the input gradient only', async () => {
  const filter = [0, 1, 0, 1, -4, 1, 0, 1, 0];
  const node = (name: string, op: string, input: string[], attr: object): object => ({ name, op, input, attr });
  const weight = (name: string, shape: number[]): object => node(name, 'Const', [], { dtype: { type: 'DT_FLOAT' }, value: { tensor: { dtype: 'DT_FLOAT', tensorShape: { dim: shape.map((size) => ({ size: String(size) })) } } } });
  const shape = { shape: { dim: [-1, 5, 5, 1].map((size) => ({ size: String(size) })) } };
  const fusedOps = { list: { s: [Buffer.from('BiasAdd').toString('base64')] } };
  const ints = (...i: number[]): object => ({ list: { i: i.map(String) } });
  const text = (s: string): object => ({ s: Buffer.from(s).toString('base64') });
  const topology = {
    node: [
      node('x', 'Placeholder', [], { dtype: { type: 'DT_FLOAT' }, shape }), weight('filter', [3, 3, 1, 1]), weight('bias', [1]),
      node('y', '_FusedConv2D', ['x', 'filter', 'bias'], {
        T: { type: 'DT_FLOAT' }, strides: ints(1, 1, 1, 1), dilations: ints(1, 1, 1, 1), padding: text('VALID'), data_format: text('NHWC'),
        fused_ops: fusedOps, num_args: { i: '1' }, explicit_paddings: { list: {} }, epsilon: { f: 0 },
      }),
    ],
    versions: { producer: 1 },
  };
  const artifacts = {
    modelTopology: topology, weightData: Float32Array.from([...filter, 0.5]).buffer,
    weightSpecs: [{ name: 'filter', shape: [3, 3, 1, 1], dtype: 'float32' as const }, { name: 'bias', shape: [1], dtype: 'float32' as const }],
  };
  const model = await loadGraphModel({ load: async () => artifacts });
  const x = values([1, 5, 5, 1], 1);
  const counts = await kernelsOf(() => grad((at: Tensor) => model.predict(at) as Tensor)(x));
  expect([counts.get('Conv2DBackpropInput'), counts.get('Conv2DBackpropFilter')]).toEqual([1, undefined]);
  // By hand: each element's gradient is the sum of the filter elements whose window it lies in; the middle one lies in all nine.
  const slopes = tidy(() => grad((at: Tensor) => model.predict(at) as Tensor)(x).dataSync());
  expect(slopes[12]).toBeCloseTo(filter.reduce((a, b) => a + b), 6);
  model.dispose();
  x.dispose();
});
