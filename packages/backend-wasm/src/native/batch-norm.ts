import type { NamedAttrMap, TensorInfo } from '@tensorflow/tfjs-core';
import { type AddedKernel, input, type KernelArgs } from '../kernels/heap.ts';
import type { NativeFunctions } from './module.ts';
import { address, withScratch } from './scratch.ts';

/**
 * The ops of batch normalization that @robustjs/nn asks for by name.
 *
 * - `ChannelNorm`: (x - center) gain + offset over the last axis; center, gain, offset `[C]`.
 * - `BatchNormRows`: batch statistics by segment of rows. x `[N, ..., C]`, scale and offset `[S, C]`, attribute `counts`: rows of
 *   each of the S segments, in order. Gives y, and mean and biased variance `[S, C]`.
 * - `BatchNormRowsGrad`: gradients of that with respect to x, scale and offset.
 */
export const batchNormKernels = (native: NativeFunctions): AddedKernel[] => [
  { kernelName: 'ChannelNorm', run: (args) => channelNorm(native, args) },
  { kernelName: 'BatchNormRows', run: (args) => forward(native, args) },
  { kernelName: 'BatchNormRowsGrad', run: (args) => backward(native, args) },
];

/** Attributes of `BatchNormRows`. */
export interface BatchNormRowsAttrs {
  /** Rows of each segment. */
  readonly counts: readonly number[];
  readonly epsilon: number;
}

function channelNorm(native: NativeFunctions, args: KernelArgs): TensorInfo {
  const [x, center, gain, offset] = ['x', 'center', 'gain', 'offset'].map((name) => input(args, name)) as [TensorInfo, TensorInfo, TensorInfo, TensorInfo];
  const y = args.backend.makeOutput(x.shape, 'float32');
  const [from, middle, slope, level, to] = [x, center, gain, offset, y].map((tensor) => address(args.backend, tensor)) as [number, number, number, number, number];
  const channels = x.shape.at(-1)!;
  native.normalize(pixels(x.shape) * x.shape[0]!, channels, from, middle, slope, level, to);
  return y;
}

function forward(native: NativeFunctions, args: KernelArgs): TensorInfo[] {
  const { backend } = args;
  const [x, scale, offset] = [input(args, 'x'), input(args, 'scale'), input(args, 'offset')];
  const { counts, epsilon } = attributes(args.attrs);
  const channels = x.shape.at(-1)!;
  const [y, mean, variance] = [x.shape, scale.shape, scale.shape].map((shape) => backend.makeOutput(shape, 'float32')) as [TensorInfo, TensorInfo, TensorInfo];
  const at = (tensor: TensorInfo, segment: number): number => address(backend, tensor) + segment * channels * 4;
  withScratch(backend, (scratch) => {
    const gain = scratch.floats(channels);
    segments(counts, x.shape).forEach(({ count, bytes }, s) => {
      const from = address(backend, x) + bytes;
      native.moments(count, channels, from, at(mean, s), at(variance, s));
      native.gains(channels, at(scale, s), at(variance, s), epsilon, gain);
      native.normalize(count, channels, from, at(mean, s), gain, at(offset, s), address(backend, y) + bytes);
    });
  });
  return [y, mean, variance];
}

function backward(native: NativeFunctions, args: KernelArgs): TensorInfo[] {
  const { backend } = args;
  const [dy, x, scale, mean, variance] = ['dy', 'x', 'scale', 'mean', 'variance'].map((name) => input(args, name)) as [
    TensorInfo, TensorInfo, TensorInfo, TensorInfo, TensorInfo,
  ];
  const { counts, epsilon } = attributes(args.attrs);
  const channels = x.shape.at(-1)!;
  const [dx, dScale, dOffset] = [x.shape, scale.shape, scale.shape].map((shape) => backend.makeOutput(shape, 'float32')) as [TensorInfo, TensorInfo, TensorInfo];
  const at = (tensor: TensorInfo, segment: number): number => address(backend, tensor) + segment * channels * 4;
  withScratch(backend, (scratch) => {
    const [gain, slope, level] = [scratch.floats(channels), scratch.floats(channels), scratch.floats(channels)];
    segments(counts, x.shape).forEach(({ count, bytes }, s) => {
      const [slopes, from, sums, products] = [address(backend, dy) + bytes, address(backend, x) + bytes, at(dOffset, s), at(dScale, s)];
      native.gains(channels, at(scale, s), at(variance, s), epsilon, gain);
      native.gradientSums(count, channels, slopes, from, at(mean, s), sums, products);
      native.gradientTerms(count, channels, gain, at(variance, s), epsilon, sums, products, slope, level);
      native.inputGradient(count, channels, slopes, from, at(mean, s), gain, slope, level, address(backend, dx) + bytes);
    });
  });
  return [dx, dScale, dOffset];
}

const attributes = (attrs: NamedAttrMap): BatchNormRowsAttrs => attrs as unknown as BatchNormRowsAttrs;

const pixels = (shape: readonly number[]): number => shape.slice(1, -1).reduce((a, b) => a * b, 1);

/** Pixels of each segment, and where it starts. */
function segments(counts: readonly number[], shape: readonly number[]): { count: number; bytes: number }[] {
  let start = 0;
  return counts.map((rows) => {
    const segment = { count: rows * pixels(shape), bytes: start * pixels(shape) * shape.at(-1)! * 4 };
    start += rows;
    return segment;
  });
}
