import { backend_util, type NamedAttrMap, type TensorInfo } from '@tensorflow/tfjs-core';
import type { ConvAxis } from './conv-geometry.ts';
import { type AddedKernel, input, type KernelArgs, view, zeros } from './heap.ts';

/*
 * TF.js's wasm kernels are wrong here: they start from a positive maximum, so windows without a positive value send their
 * gradient to a wrong place, and come out of 3-D pooling as 1e-38. Among equal values the first in row-major
 * order is the maximum, as on TF.js's cpu backend; a NaN is taken as the largest value, so that it shows.
 */

export const maxPoolGrad: AddedKernel = { kernelName: 'MaxPoolGrad', run: (args) => gradient(args, pool2dGeometry(input(args, 'input').shape, args.attrs)) };

export const maxPool3dGrad: AddedKernel = { kernelName: 'MaxPool3DGrad', run: (args) => gradient(args, pool3dGeometry(input(args, 'input').shape, args.attrs)) };

export const maxPool3d: AddedKernel = {
  kernelName: 'MaxPool3D',
  run: (args) => {
    const x = input(args, 'x');
    const geometry = pool3dGeometry(x.shape, args.attrs);
    const { batch, depth, rows, columns, channels } = geometry;
    const y = args.backend.makeOutput([batch, depth.output, rows.output, columns.output, channels], 'float32');
    const [from, to] = [view(args.backend, x), view(args.backend, y)];
    const sources = argmaxes(geometry, from);
    for (let i = 0; i < sources.length; i++) to[i] = from[sources[i]!]!;
    return y;
  },
};

function gradient(args: KernelArgs, geometry: PoolGeometry): TensorInfo {
  const [x, dy] = [input(args, 'input'), input(args, 'dy')];
  const dx = zeros(args.backend, x.shape);
  const [from, to] = [view(args.backend, dy), view(args.backend, dx)];
  const targets = argmaxes(geometry, view(args.backend, x));
  for (let i = 0; i < targets.length; i++) to[targets[i]!]! += from[i]!;
  return dx;
}

/** Pooling over [n, depth, rows, columns, channels]; 2-D data has depth 1. */
interface PoolGeometry {
  readonly batch: number;
  readonly channels: number;
  readonly depth: ConvAxis;
  readonly rows: ConvAxis;
  readonly columns: ConvAxis;
}

interface PoolAttrs {
  readonly filterSize: number;
  readonly strides: number;
  readonly pad: 'same' | 'valid';
  readonly dimRoundingMode: 'floor';
}

function pool2dGeometry(shape: number[], attrs: NamedAttrMap): PoolGeometry {
  const { filterSize, strides, pad, dimRoundingMode } = attrs as unknown as PoolAttrs;
  const info = backend_util.computePool2DInfo(shape as [number, number, number, number], filterSize, strides, 1, pad, dimRoundingMode);
  return { batch: info.batchSize, channels: info.inChannels, depth: { input: 1, output: 1, kernel: 1, stride: 1, before: 0 }, ...plane(info) };
}

function pool3dGeometry(shape: number[], attrs: NamedAttrMap): PoolGeometry {
  const { filterSize, strides, pad, dimRoundingMode } = attrs as unknown as PoolAttrs;
  const info = backend_util.computePool3DInfo(shape as [number, number, number, number, number], filterSize, strides, 1, pad, dimRoundingMode);
  const depth = { input: info.inDepth, output: info.outDepth, kernel: info.effectiveFilterDepth, stride: info.strideDepth, before: info.padInfo.front };
  return { batch: info.batchSize, channels: info.inChannels, depth, ...plane(info) };
}

type PlaneInfo = Pick<
  ReturnType<typeof backend_util.computePool3DInfo>,
  'inHeight' | 'inWidth' | 'outHeight' | 'outWidth' | 'effectiveFilterHeight' | 'effectiveFilterWidth' | 'strideHeight' | 'strideWidth'
> & { readonly padInfo: { readonly top: number; readonly left: number } };

function plane(info: PlaneInfo): { rows: ConvAxis; columns: ConvAxis } {
  return {
    rows: { input: info.inHeight, output: info.outHeight, kernel: info.effectiveFilterHeight, stride: info.strideHeight, before: info.padInfo.top },
    columns: { input: info.inWidth, output: info.outWidth, kernel: info.effectiveFilterWidth, stride: info.strideWidth, before: info.padInfo.left },
  };
}

/** For every output element, where in x its maximum stands. */
function argmaxes(geometry: PoolGeometry, x: Float32Array): Int32Array {
  const { batch, channels, depth, rows, columns } = geometry;
  const found = new Int32Array(batch * depth.output * rows.output * columns.output * channels);
  const [deep, down, across] = [windows(depth), windows(rows), windows(columns)];
  let out = 0;
  for (let n = 0; n < batch; n++)
    for (const d of deep)
      for (const h of down)
        for (const w of across) {
          scan(geometry, x, found, { n, d, h, w, out });
          out += channels;
        }
  return found;
}

type Span = readonly [number, number];

/** The input elements [from, to) under each output element. */
function windows({ input: size, output, kernel, stride, before }: ConvAxis): Span[] {
  return Array.from({ length: output }, (_, o) => [Math.max(0, o * stride - before), Math.min(size, o * stride - before + kernel)]);
}

interface Place {
  readonly n: number;
  readonly d: Span;
  readonly h: Span;
  readonly w: Span;
  readonly out: number;
}

/** Finds the maximum of every channel over one window. */
function scan({ channels, depth, rows, columns }: PoolGeometry, x: Float32Array, found: Int32Array, place: Place): void {
  const { n, d, h, w, out } = place;
  const pixel = (i: number, j: number, k: number): number => (((n * depth.input + i) * rows.input + j) * columns.input + k) * channels;
  const first = pixel(d[0], h[0], w[0]);
  for (let c = 0; c < channels; c++) found[out + c] = first + c;
  for (let i = d[0]; i < d[1]; i++)
    for (let j = h[0]; j < h[1]; j++)
      for (let k = w[0], at = pixel(i, j, k); k < w[1]; k++, at += channels) takeLarger(x, found, { at, out, channels });
}

function takeLarger(x: Float32Array, found: Int32Array, { at, out, channels }: { at: number; out: number; channels: number }): void {
  for (let c = 0; c < channels; c++) {
    const value = x[at + c]!;
    const best = x[found[out + c]!]!;
    if (value > best || (Number.isNaN(value) && !Number.isNaN(best))) found[out + c] = at + c;
  }
}
