import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { backend as engineBackend, concat, conv2d, greater, matMul, mul, type NamedAttrMap, type NamedTensorInfoMap, type Rank, relu, slice, type Tensor, type Tensor4D, tensor, tidy } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { startWasm } from '../src/index.ts';
import type { AddedKernel } from '../src/kernels/heap.ts';
import { conv2dKernels } from '../src/native/conv2d.ts';
import { conv2dInputGradients } from '../src/native/conv2d-input-gradient.ts';
import { matMulKernels } from '../src/native/mat-mul.ts';
import { linkNative, type NativeFunctions } from '../src/native/module.ts';
import { bytes, on, values } from './compare.ts';

/** Names of the compiled functions that were called, in order. */
const called: string[] = [];
let kernels: AddedKernel[];

beforeAll(async () => void (await startWasm()));

/** Has kernels run on functions that are counted, with multiply-adds that round once or twice. */
async function link(relaxed: boolean): Promise<void> {
  const { variant, functions } = (await linkNative(engineBackend() as BackendWasm, relaxed))!;
  expect(variant).toBe(relaxed ? 'relaxed-simd' : 'simd');
  const counted = Object.fromEntries(
    Object.entries(functions).map(([name, f]: [string, (...args: number[]) => unknown]) => [name, (...args: number[]) => (called.push(name), f(...args))]),
  ) as unknown as NativeFunctions;
  kernels = [...conv2dKernels(counted), ...conv2dInputGradients(counted), ...matMulKernels(counted)];
}

/** Runs a kernel with these inputs; gives its values. */
function run(name: string, inputs: Record<string, Tensor>, attrs: object): Float32Array {
  const backend = engineBackend() as BackendWasm;
  const args = { inputs: inputs as unknown as NamedTensorInfoMap, attrs: attrs as unknown as NamedAttrMap, backend };
  const out = kernels.find(({ kernelName }) => kernelName === name)!.run(args) as Tensor;
  const read = Float32Array.from(backend.readSync(out.dataId) as Float32Array);
  backend.disposeData(out.dataId);
  return read;
}

/** Values of which about this share is not zero, in no pattern. */
const sparse = (shape: number[], share: number, seed: number): Tensor => tidy(() => mul(values(shape, seed), greater(values(shape, seed + 50), Math.cos(share * Math.PI))));

const conv = (strides: number[], pad: unknown = 'same'): object => ({ strides, pad, dataFormat: 'NHWC', dilations: [1, 1] });

interface Case {
  readonly x: number[];
  readonly filter: number[];
  readonly strides: number[];
  readonly pad?: unknown;
}

const FORWARD: Readonly<Record<string, Case>> = {
  'stride 2': { x: [3, 14, 14, 16], filter: [3, 3, 16, 32], strides: [2, 2] },
  'strips that overlap': { x: [2, 9, 7, 8], filter: [3, 3, 8, 44], strides: [2, 2] },
  'another filter, padding on one side': { x: [2, 8, 11, 12], filter: [5, 2, 12, 64], strides: [1, 3], pad: [[0, 0], [3, 0], [0, 1], [0, 0]] },
  'blocks of images': { x: [9, 20, 20, 8], filter: [4, 4, 8, 32], strides: [2, 2], pad: 'valid' },
};

describe.each(Object.entries(FORWARD))('a convolution of few values that are not zero: %s', (_, { x: shape, filter: filterShape, strides, pad }) => {
  test.each([true, false])('the bits of a convolution of all values, relaxed SIMD: %s', async (relaxed) => {
    await link(relaxed);
    const [x, dense, filter, bias] = [sparse(shape, 0.2, 1), values(shape, 4), values(filterShape, 2), values([filterShape[3]!], 3)];
    for (const name of ['Conv2D', 'Conv2DRelu']) {
      const inputs = { filter, ...(name === 'Conv2DRelu' && { bias }) };
      called.length = 0;
      const got = run(name, { x, ...inputs }, conv(strides, pad));
      expect(called).toContain('sparseProduct');
      expect(called).not.toContain('product');
      called.length = 0;
      // After so many others that they are not among those looked at.
      const among = run(name, { x: concat([dense, dense, dense, dense, x]), ...inputs }, conv(strides, pad));
      expect(called).not.toContain('sparseProduct');
      expect(bytes(got)).toEqual(bytes(among.subarray(-got.length)));
    }
  });
});

const BACKWARD: Readonly<Record<string, Case>> = {
  'stride 2': { x: [3, 14, 14, 16], filter: [3, 3, 16, 32], strides: [2, 2] },
  'odd sizes, strips that overlap': { x: [2, 9, 7, 21], filter: [3, 3, 21, 8], strides: [2, 2] },
  'other columns': { x: [2, 10, 9, 24], filter: [3, 5, 24, 24], strides: [2, 1] },
  'columns with gaps, padding on one side': { x: [2, 11, 12, 16], filter: [3, 2, 16, 24], strides: [2, 3], pad: [[0, 0], [2, 0], [0, 1], [0, 0]] },
  'a last row that no window reaches': { x: [2, 12, 12, 16], filter: [3, 3, 16, 32], strides: [2, 2], pad: 'valid' },
  'blocks of images': { x: [9, 28, 28, 16], filter: [3, 3, 16, 32], strides: [2, 2] },
};

describe.each(Object.entries(BACKWARD))('an input gradient of few values that are not zero: %s', (_, { x: inputShape, filter: filterShape, strides, pad }) => {
  test.each([true, false])('the bits of that of all values, behind a ReLU too, relaxed SIMD: %s', async (relaxed) => {
    await link(relaxed);
    const attrs = { ...conv(strides, pad), inputShape };
    const filter = values(filterShape, 2);
    const shape = tidy(() => conv2d(values<Rank.R4>(inputShape, 1), filter as Tensor4D, strides as [number, number], (pad ?? 'same') as 'same').shape);
    const [batch] = inputShape as [number];
    const [dy, dense, y] = [sparse(shape, 0.2, 3), values(shape, 4), tidy(() => relu(sparse(shape, 0.3, 5)))];
    const kept = tidy(() => mul(dense, greater(y, 0)));
    for (const [name, given, all] of [['Conv2DBackpropInput', { dy }, dy], ['Conv2DReluBackpropInput', { dy: dense, y }, kept]] as [string, Record<string, Tensor>, Tensor][]) {
      called.length = 0;
      const got = run(name, { ...given, filter }, attrs);
      expect(called).toContain('sparseInputGradient');
      expect(called).not.toContain('product');
      called.length = 0;
      const among = run('Conv2DBackpropInput', { dy: concat([dense, dense, dense, dense, all]), filter }, { ...attrs, inputShape: [5 * batch, ...inputShape.slice(1)] });
      expect(called).not.toContain('sparseInputGradient');
      expect(bytes(got)).toEqual(bytes(among.subarray(-got.length)));
    }
  });
});

test.each([[64, 32, false], [20, 77, false], [100, 50, true], [256, 96, true]])('a layer over %i values, %i results, transposed: %s', async (inner, columns, transposeB) => {
  await link(true);
  const [x, dense, weights] = [sparse([7, inner], 0.2, 1), values([7, inner], 4), values(transposeB ? [columns, inner] : [inner, columns], 2)];
  const attrs = { transposeA: false, transposeB };
  const [first, again] = [0, 1].map(() => {
    called.length = 0;
    const got = run('BatchMatMul', { a: x, b: weights }, attrs);
    return { got, called: [...called] };
  }) as [{ got: Float32Array; called: string[] }, { got: Float32Array; called: string[] }];
  // Weights are known by being used a second time.
  expect(first.called).not.toContain('sparseProduct');
  expect(again.called).toContain('sparseProduct');
  expect(bytes(again.got)).toEqual(bytes(first.got));
  called.length = 0;
  const among = run('BatchMatMul', { a: concat([dense, dense, dense, dense, x]), b: weights }, attrs);
  expect(called).not.toContain('sparseProduct');
  expect(bytes(again.got)).toEqual(bytes(among.subarray(-again.got.length)));
});

test('a dense layer with its bias and ReLU', async () => {
  await link(true);
  const [x, weights, bias] = [sparse([5, 64], 0.2, 1), values([64, 40], 2), values([40], 3)];
  const [first, again] = [0, 1].map(() => run('Dense', { x, weights, bias }, { relu: true }));
  expect(bytes(again!)).toEqual(bytes(first!));
  expect(called).toContain('sparseProduct');
});

describe('what is not finite', () => {
  const put = (shape: number[], base: Tensor, at: number, special: number): Tensor => {
    const data = Float32Array.from(base.dataSync());
    data[at] = special;
    return tensor(data, shape);
  };

  test.each([Number.NaN, Number.POSITIVE_INFINITY])('%s in an image reaches what it reaches on the cpu', async (special) => {
    const work = (): Tensor[] => [conv2d(put([2, 8, 8, 16], sparse([2, 8, 8, 16], 0.2, 1), 333, special) as Tensor4D, values<Rank.R4>([3, 3, 16, 32], 2), 2, 'same')];
    const [[got], [expected]] = [await on('wasm', work), await on('cpu', work)];
    expect([...got!].map((value) => (Number.isFinite(value) ? 0 : value))).toEqual([...expected!].map((value) => (Number.isFinite(value) ? 0 : value)));
  });

  test.each([Number.NaN, Number.NEGATIVE_INFINITY])('%s in weights, times 0, is NaN', async (special) => {
    const work = (): Tensor[] => {
      const [filter, weights] = [put([3, 3, 16, 32], values([3, 3, 16, 32], 2), 77, special), put([64, 32], values([64, 32], 2), 77, special)];
      const x = sparse([2, 8, 8, 16], 0.2, 1) as Tensor4D;
      const a = sparse([3, 64], 0.2, 1);
      return [conv2d(x, filter as Tensor4D, 2, 'same'), matMul(a, weights), matMul(a, weights)];
    };
    const [got, expected] = [await on('wasm', work), await on('cpu', work)];
    got.forEach((values, i) => expect([...values].map(Number.isNaN)).toEqual([...expected[i]!].map(Number.isNaN)));
  });
});

test('weights that change in between are packed anew', async () => {
  await link(true);
  const x = sparse([2, 8, 8, 16], 0.2, 1);
  const [first, second] = [2, 3].map((seed) => {
    const filter = values([3, 3, 16, 32], seed);
    const got = run('Conv2D', { x, filter }, conv([2, 2]));
    const part = run('Conv2D', { x: tidy(() => slice(x, [1, 0, 0, 0], [1, -1, -1, -1])), filter }, conv([2, 2]));
    filter.dispose();
    return { got, part };
  }) as [{ got: Float32Array; part: Float32Array }, { got: Float32Array; part: Float32Array }];
  expect(bytes(first.got)).not.toEqual(bytes(second.got));
  for (const { got, part } of [first, second]) expect(bytes(got.subarray(got.length / 2))).toEqual(bytes(part));
});
