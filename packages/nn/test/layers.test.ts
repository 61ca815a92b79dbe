import { evaluation, type PoolOptions, randomStream, type Site } from '@robustjs/core';
import { grad, memory, mul, type Scalar, square, sum, type Tensor, tidy, variableGrads } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { addJoin, concatJoin, conv, dense, flattenLayer, pool, reluLayer } from '../src/index.ts';
import { differences, expectClose, flatIndex, indicesOf, normalTensor, onWasm, read } from './support.ts';

onWasm();

const site = (channels: number): Site => ({ path: 'site', role: 'block', stage: 0, block: 0, index: 0, channels });
const pass = evaluation();

interface Window {
  readonly size: readonly number[];
  readonly stride: number;
  readonly same: boolean;
}

/** TF.js's geometry: 'same' gives ceil(in / stride) outputs, and the odd pixel of padding goes at the end. */
function geometry(input: readonly number[], { size, stride, same }: Window): { output: number[]; before: number[] } {
  const output = input.map((n, a) => (same ? Math.ceil(n / stride) : Math.floor((n - size[a]!) / stride) + 1));
  const before = input.map((n, a) => (same ? Math.floor(Math.max((output[a]! - 1) * stride + size[a]! - n, 0) / 2) : 0));
  return { output, before };
}

/** Visits every (output place, window place, input place) of a sliding window; places in the padding are left out. */
function slide(input: readonly number[], window: Window, visit: (out: number[], at: number[], from: number[]) => void): number[] {
  const { output, before } = geometry(input, window);
  for (const out of indicesOf(output)) {
    for (const at of indicesOf(window.size)) {
      const from = out.map((o, a) => o * window.stride + at[a]! - before[a]!);
      if (from.every((i, a) => i >= 0 && i < input[a]!)) visit(out, at, from);
    }
  }
  return output;
}

function convLoops(x: number[], shape: number[], kernel: number[], out: number, window: Window): { values: number[]; shape: number[] } {
  const [rows, sizes, channels] = [shape[0]!, shape.slice(1, -1), shape.at(-1)!];
  const full = [rows, ...geometry(sizes, window).output, out];
  const values = Array<number>(full.reduce((a, b) => a * b)).fill(0);
  for (let n = 0; n < rows; n++) {
    slide(sizes, window, (place, at, from) => {
      for (let i = 0; i < channels; i++) {
        for (let o = 0; o < out; o++) {
          values[flatIndex([n, ...place, o], full)]! +=
            x[flatIndex([n, ...from, i], shape)]! * kernel[flatIndex([...at, i, o], [...window.size, channels, out])]!;
        }
      }
    });
  }
  return { values, shape: full };
}

describe.each([
  { name: '1-D', shape: [2, 7, 2], size: [3], stride: 2, same: true },
  { name: '1-D valid', shape: [2, 7, 2], size: [2], stride: 1, same: false },
  { name: '2-D', shape: [2, 6, 5, 2], size: [3, 3], stride: 1, same: true },
  { name: '2-D odd, stride 2', shape: [2, 7, 4, 3], size: [3, 3], stride: 2, same: true },
  { name: '2-D, window not square', shape: [1, 6, 5, 2], size: [1, 4], stride: 1, same: false },
  { name: '3-D', shape: [2, 4, 5, 3, 2], size: [3, 3, 3], stride: 1, same: true },
  { name: '3-D odd, stride 2', shape: [1, 5, 4, 3, 2], size: [3, 3, 2], stride: 2, same: true },
  { name: '1-D shortcut', shape: [2, 6, 2], size: [1], stride: 2, same: true },
  { name: '2-D shortcut', shape: [2, 6, 5, 2], size: [1, 1], stride: 2, same: true },
  { name: '3-D shortcut', shape: [2, 4, 5, 3, 2], size: [1, 1, 1], stride: 2, same: true },
])('convolution, $name', ({ shape, size, stride, same }) => {
  const options = { inputChannels: shape.at(-1)!, kernel: size, stride, padding: same ? 'same' : 'valid', bias: true } as const;

  it('equals plain loops, bias added, and leaves nothing', () => {
    const layer = conv(site(3), options, randomStream(1));
    layer.parameters[1]!.variable.assign(normalTensor([3], 5));
    const x = normalTensor(shape, 2);
    const before = memory().numTensors;
    const y = tidy(() => layer.apply(x, pass));
    expect(memory().numTensors).toBe(before + 1);
    const [kernel, bias] = layer.parameters.map(({ variable }) => read(variable));
    const oracle = convLoops(read(x), shape, kernel!, 3, { size, stride, same });
    expect(y.shape).toEqual(oracle.shape);
    expectClose(y, oracle.values.map((value, i) => value + bias![i % 3]!));
  });

  it('has the gradient of the loops', () => {
    // The loss sum(y^2) / 2 has dy = y; the loops' derivative by differences in double precision.
    const layer = conv(site(2), { ...options, bias: false }, randomStream(1));
    const x = normalTensor(shape, 2);
    const kernel = read(layer.parameters[0]!.variable);
    const half = (values: number[], k: number[]): number =>
      convLoops(values, shape, k, 2, { size, stride, same }).values.reduce((total, v) => total + (v * v) / 2, 0);
    const gradient = grad((input: Tensor) => mul(sum(square(layer.apply(input, pass))), 0.5))(x);
    expectClose(gradient, differences((values) => half(values, kernel), read(x)), 1e-4);
    const { grads } = variableGrads(() => mul<Scalar>(sum(square(layer.apply(x, pass))), 0.5), [layer.parameters[0]!.variable]);
    expectClose(Object.values(grads)[0]!, differences((k) => half(read(x), k), kernel), 1e-4);
  });
});

function poolLoops(x: number[], shape: number[], kind: 'max' | 'average', window: Window): number[] {
  const [rows, sizes, channels] = [shape[0]!, shape.slice(1, -1), shape.at(-1)!];
  const full = [rows, ...geometry(sizes, window).output, channels];
  const seen = Array.from({ length: full.reduce((a, b) => a * b) }, (): number[] => []);
  for (let n = 0; n < rows; n++) {
    for (let c = 0; c < channels; c++) {
      slide(sizes, window, (place, _at, from) => seen[flatIndex([n, ...place, c], full)]!.push(x[flatIndex([n, ...from, c], shape)]!));
    }
  }
  return seen.map((list) => (kind === 'max' ? Math.max(...list) : list.reduce((a, b) => a + b) / list.length));
}

const pools: { name: string; shape: number[]; options: PoolOptions }[] = [
  { name: 'max 1-D', shape: [2, 7, 3], options: { kind: 'max', window: [2] } },
  { name: 'max 2-D, stride 1', shape: [2, 5, 6, 2], options: { kind: 'max', window: [2, 3], stride: 1 } },
  { name: 'max 3-D', shape: [2, 4, 5, 6, 2], options: { kind: 'max', window: [2, 2, 2] } },
  { name: 'average 1-D', shape: [2, 9, 3], options: { kind: 'average', window: [3], stride: 2 } },
  { name: 'average 2-D', shape: [2, 7, 6, 2], options: { kind: 'average', window: [2, 2] } },
  { name: 'average 3-D', shape: [1, 4, 5, 6, 2], options: { kind: 'average', window: [2, 1, 3], stride: 2 } },
];

it.each(pools)('pooling, $name, equals plain loops in value and gradient', ({ shape, options }) => {
  const layer = pool(options);
  const x = normalTensor(shape, 3);
  const window: Window = { size: options.window, stride: options.stride ?? options.window[0]!, same: false };
  const kind = options.kind as 'max' | 'average';
  expectClose(tidy(() => layer.apply(x, pass)), poolLoops(read(x), shape, kind, window), 1e-6);
  const half = (values: number[]): number => poolLoops(values, shape, kind, window).reduce((total, v) => total + (v * v) / 2, 0);
  const gradient = grad((input: Tensor) => mul(sum(square(layer.apply(input, pass))), 0.5))(x);
  expectClose(gradient, differences(half, read(x)), 1e-4);
});

it.each([[[2, 7, 3]], [[2, 5, 4, 3]], [[2, 3, 4, 5, 3]]])('global average pooling of %j is the mean over space', (shape) => {
  const x = normalTensor(shape, 4);
  const values = read(x);
  const places = values.length / 2 / 3;
  const expected = [0, 1].flatMap((n) =>
    [0, 1, 2].map((c) => Array.from({ length: places }, (_, p) => values[(n * places + p) * 3 + c]!).reduce((a, b) => a + b) / places),
  );
  const y = tidy(() => pool({ kind: 'global-average', window: shape.slice(1, -1).map(() => 1) }).apply(x, pass));
  expect(y.shape).toEqual([2, 3]);
  expectClose(y, expected);
});

it('a fully connected layer equals plain loops, with and without a bias', () => {
  const x = normalTensor([3, 4], 1);
  for (const bias of [true, false]) {
    const layer = dense(site(5), { inputChannels: 4, bias }, randomStream(2));
    expect(layer.parameters.map(({ name }) => name)).toEqual(bias ? ['site/kernel', 'site/bias'] : ['site/kernel']);
    if (bias) layer.parameters[1]!.variable.assign(normalTensor([5], 3));
    const [values, kernel, offsets] = [read(x), read(layer.parameters[0]!.variable), bias ? read(layer.parameters[1]!.variable) : [0, 0, 0, 0, 0]];
    const expected = [...indicesOf([3, 5])].map(([n, o]) => [0, 1, 2, 3].reduce((total, i) => total + values[n! * 4 + i]! * kernel[i * 5 + o!]!, offsets[o!]!));
    expectClose(tidy(() => layer.apply(x, pass)), expected);
  }
});

it('ReLU, flatten and the joins do what they say', () => {
  const x = normalTensor([2, 3, 2], 1);
  const y = normalTensor([2, 3, 2], 2);
  const [a, b] = [read(x), read(y)];
  expect(read(reluLayer.apply(x, pass))).toEqual(a.map((v) => Math.max(v, 0)));
  expect(flattenLayer.apply(x, pass).shape).toEqual([2, 6]);
  expect(read(flattenLayer.apply(x, pass))).toEqual(a);
  expectClose(addJoin.apply(x, y, pass), a.map((v, i) => v + b[i]!), 1e-7);
  const joined = concatJoin.apply(x, y, pass);
  expect(joined.shape).toEqual([2, 3, 4]);
  expect(read(joined)).toEqual([...indicesOf([2, 3, 4])].map(([n, p, c]) => (c! < 2 ? a : b)[(n! * 3 + p!) * 2 + (c! % 2)]!));
});

it('flattening no rows keeps the row size', () => {
  const none = normalTensor([0, 3, 2], 1);
  expect((flattenLayer).apply(none, pass).shape).toEqual([0, 6]);
});
