import type { NamedAttrMap, TensorInfo } from '@tensorflow/tfjs-core';
import { type AddedKernel, input, type KernelArgs, view } from '../kernels/heap.ts';
import type { NativeFunctions } from './module.ts';
import { address, withScratch } from './scratch.ts';

/**
 * The ops of batch normalization that @robustjs/nn asks for by name. x is `[N, ..., C]`; scale, offset and statistics are `[S, C]`, or
 * `[C]` where there is one segment. The attribute `counts` has the rows of each segment, in order. An input `plus`, shaped as x, is
 * added to what comes out, and `relu` then rectifies it.
 *
 * - `BatchNormRows`: by batch statistics. Gives y, mean and biased variance.
 * - `BatchNormRowsGrad`: gradients of that with respect to x, scale and offset, and to `plus` where it was rectified with one, from dy and
 *   from dMean and dVariance, those of the statistics.
 * - `BatchNormFixed`: by the statistics given as mean and variance.
 * - `BatchNormFixedGrad`: the gradient of a rectified one with respect to x and, where there is one, to `plus`.
 */
export const batchNormKernels = (native: NativeFunctions): AddedKernel[] => [
  { kernelName: 'BatchNormRows', floats: true, run: (args) => forward(native, args) },
  { kernelName: 'BatchNormRowsGrad', floats: true, run: (args) => backward(native, args) },
  { kernelName: 'BatchNormFixed', floats: true, run: (args) => fixed(native, args) },
  { kernelName: 'BatchNormFixedGrad', floats: true, run: (args) => fixedGradient(native, args) },
];

/** Attributes of all four. */
export interface BatchNormRowsAttrs {
  /** Rows of each segment. */
  readonly counts: readonly number[];
  readonly epsilon: number;
  /** Whether the output is rectified. */
  readonly relu: boolean;
  /** Whether there is a `plus`. */
  readonly joined: boolean;
}

function forward(native: NativeFunctions, args: KernelArgs): TensorInfo[] {
  const { backend } = args;
  const [x, scale, offset] = [input(args, 'x'), input(args, 'scale'), input(args, 'offset')];
  const { epsilon, relu } = attributes(args.attrs);
  const channels = x.shape.at(-1)!;
  const [y, mean, variance] = outputs(args, [x, scale, scale]) as [TensorInfo, TensorInfo, TensorInfo];
  const plus = within(args, args.inputs['plus']);
  withScratch(backend, (scratch) => {
    const gain = scratch.floats(channels);
    for (const { count, bytes, at } of segments(args, x.shape)) {
      const from = address(backend, x) + bytes;
      native.moments(count, channels, from, at(mean), at(variance));
      native.gains(channels, at(scale), at(variance), epsilon, gain);
      native.normalize(count, channels, from, at(mean), gain, at(offset), plus(bytes), relu, address(backend, y) + bytes);
    }
  });
  return [y, mean, variance];
}

function backward(native: NativeFunctions, args: KernelArgs): TensorInfo[] {
  const { backend } = args;
  const [dy, x, scale, offset, mean, variance] = ['dy', 'x', 'scale', 'offset', 'mean', 'variance'].map((name) => input(args, name)) as [
    TensorInfo, TensorInfo, TensorInfo, TensorInfo, TensorInfo, TensorInfo,
  ];
  const { epsilon, relu, joined } = attributes(args.attrs);
  const y = relu && joined ? input(args, 'y') : undefined;
  const channels = x.shape.at(-1)!;
  const [dx, dScale, dOffset, ...dPlus] = outputs(args, [x, scale, offset, ...(y === undefined ? [] : [x])]) as [TensorInfo, TensorInfo, TensorInfo, ...TensorInfo[]];
  // What the rectified sum lets through is wanted by itself; a norm alone sees from x what it let through.
  const rectified = relu && y === undefined;
  if (y !== undefined) native.reluGradient(address(backend, dy), address(backend, y), address(backend, dPlus[0]!), x.shape.reduce((a, b) => a * b, 1));
  const slopes = address(backend, dPlus[0] ?? dy);
  withScratch(backend, (scratch) => {
    const [gain, slope, level] = [scratch.floats(channels), scratch.floats(channels), scratch.floats(channels)];
    for (const [s, { count, bytes, at }] of segments(args, x.shape).entries()) {
      const [from, sums, products] = [address(backend, x) + bytes, at(dOffset), at(dScale)];
      native.gains(channels, at(scale), at(variance), epsilon, gain);
      native.gradientSums(count, channels, slopes + bytes, from, at(mean), rectified ? gain : 0, at(offset), sums, products);
      native.gradientTerms(count, channels, gain, at(variance), epsilon, sums, products, slope, level);
      addStatistics(args, s, count, { slope, level });
      native.inputGradient(count, channels, slopes + bytes, from, at(mean), gain, rectified ? at(offset) : 0, slope, level, address(backend, dx) + bytes);
    }
  });
  return [dx, dScale, dOffset, ...dPlus];
}

/** What the gradients of mean and variance add to dx: dmean / n and 2 dvariance (x - mean) / n. Mostly they are zeros, and nothing changes. */
function addStatistics({ backend, inputs }: KernelArgs, segment: number, count: number, { slope, level }: { slope: number; level: number }): void {
  for (const [name, to, factor] of [['dMean', level, 1], ['dVariance', slope, 2]] as const) {
    const gradient = inputs[name];
    if (gradient === undefined) continue;
    const channels = gradient.shape.at(-1)!;
    const values = view(backend, gradient).subarray(segment * channels, (segment + 1) * channels);
    const terms = new Float32Array(values.buffer, to, channels);
    values.forEach((value, c) => value !== 0 && (terms[c]! += (factor * value) / count));
  }
}

function fixed(native: NativeFunctions, args: KernelArgs): TensorInfo {
  const { backend } = args;
  const [x, scale, offset, mean, variance] = ['x', 'scale', 'offset', 'mean', 'variance'].map((name) => input(args, name)) as [
    TensorInfo, TensorInfo, TensorInfo, TensorInfo, TensorInfo,
  ];
  const { epsilon, relu } = attributes(args.attrs);
  const channels = x.shape.at(-1)!;
  const [y] = outputs(args, [x]) as [TensorInfo];
  const plus = within(args, args.inputs['plus']);
  withScratch(backend, (scratch) => {
    const gain = scratch.floats(channels);
    for (const { count, bytes, at } of segments(args, x.shape)) {
      native.gains(channels, at(scale), at(variance), epsilon, gain);
      native.normalize(count, channels, address(backend, x) + bytes, at(mean), gain, at(offset), plus(bytes), relu, address(backend, y) + bytes);
    }
  });
  return y;
}

function fixedGradient(native: NativeFunctions, args: KernelArgs): TensorInfo[] {
  const { backend } = args;
  const [dy, y, scale, variance] = ['dy', 'y', 'scale', 'variance'].map((name) => input(args, name)) as [TensorInfo, TensorInfo, TensorInfo, TensorInfo];
  const { epsilon, joined } = attributes(args.attrs);
  const channels = dy.shape.at(-1)!;
  const [dx, ...dPlus] = outputs(args, joined ? [dy, dy] : [dy]) as [TensorInfo, ...TensorInfo[]];
  const kept = within(args, dPlus[0]);
  withScratch(backend, (scratch) => {
    const gain = scratch.floats(channels);
    for (const { count, bytes, at } of segments(args, dy.shape)) {
      native.gains(channels, at(scale), at(variance), epsilon, gain);
      native.rectifiedGain(count, channels, address(backend, dy) + bytes, address(backend, y) + bytes, gain, kept(bytes), address(backend, dx) + bytes);
    }
  });
  return [dx, ...dPlus];
}

const attributes = (attrs: NamedAttrMap): BatchNormRowsAttrs => attrs as unknown as BatchNormRowsAttrs;

const outputs = ({ backend }: KernelArgs, like: readonly TensorInfo[]): TensorInfo[] => like.map(({ shape }) => backend.makeOutput(shape, 'float32'));

/** Address of what stands that many bytes into a tensor; 0 without one. */
const within = ({ backend }: KernelArgs, tensor: TensorInfo | undefined) => (bytes: number): number => (tensor === undefined ? 0 : address(backend, tensor) + bytes);

/** Neighbouring rows that are normalized together: their pixels, where they start, and where a tensor has the values for them. */
interface Rows {
  readonly count: number;
  readonly bytes: number;
  readonly at: (tensor: TensorInfo) => number;
}

function segments({ backend, attrs }: KernelArgs, shape: readonly number[]): Rows[] {
  const [channels, pixels] = [shape.at(-1)!, shape.slice(1, -1).reduce((a, b) => a * b, 1)];
  let start = 0;
  return attributes(attrs).counts.map((rows, s) => {
    const bytes = start * pixels * channels * 4;
    start += rows;
    return { count: rows * pixels, bytes, at: (tensor) => address(backend, tensor) + s * channels * 4 };
  });
}
