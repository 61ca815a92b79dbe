import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { type ConvAxis, type ConvGeometry, convGeometry, forwardAttrs } from './conv-geometry.ts';
import { type AddedKernel, input, type KernelArgs, runStock, view, zeros } from './heap.ts';
import { runNanPassing } from './nan-passing.ts';

/**
 * Filter gradient of a 2-D convolution as a forward convolution with the batch as input channels:
 *
 *   dw[k, c, f] = sum over n, o of x[n, stride * o + k - before, c] g[n, o, f]
 *
 * so x, as [c, h, w, n], is convolved with g, as [o_h, o_w, n, f], dilated by the stride. TF.js's wasm backend has no kernel
 * for it at all.
 */
export const conv2dBackpropFilter: AddedKernel = { kernelName: 'Conv2DBackpropFilter', run };

/** Examples per convolution: keeps the packed operand in cache and bounds the length of a float32 sum. */
const CHUNK = 16;

function run(args: KernelArgs): TensorInfo {
  const x = input(args, 'x');
  const geometry = convGeometry(x.shape, args.attrs['filterShape'] as number[], args.attrs, false);
  return filterGradient(args.backend, geometry, x, input(args, 'dy'));
}

/** Gradient with respect to the filter [rows, columns, in channels, out channels], a new tensor. */
export function filterGradient(backend: BackendWasm, geometry: ConvGeometry, x: TensorInfo, dy: TensorInfo): TensorInfo {
  const { rows, columns, inChannels, outChannels } = geometry;
  const sum = zeros(backend, [rows.kernel, columns.kernel, inChannels, outChannels]);
  for (let start = 0; start < geometry.batch; start += CHUNK) addChunk(backend, geometry, { x, dy, sum }, start);
  return sum;
}

interface Operands {
  readonly x: TensorInfo;
  readonly dy: TensorInfo;
  readonly sum: TensorInfo;
}

function addChunk(backend: BackendWasm, geometry: ConvGeometry, operands: Operands, start: number): void {
  const { rows, columns, inChannels, outChannels } = geometry;
  const count = Math.min(CHUNK, geometry.batch - start);
  const images = channelsToFront(backend, operands.x, start, count, [rows.input, columns.input, inChannels]);
  const weights = batchToChannels(backend, operands.dy, start, count, [rows.output, columns.output, outChannels]);
  const attrs = forwardAttrs([1, 1], [rows.stride, columns.stride], correlationPad(rows), correlationPad(columns));
  const part = runNanPassing(backend, 'Conv2D', { x: images, filter: weights }, attrs);
  addTransposed(backend, geometry, part, operands.sum);
  for (const used of [images, weights, part]) backend.disposeData(used.dataId);
}

/** Padding so that at least `kernel` offsets come out; more do where the convolution left input elements unused. */
function correlationPad(axis: ConvAxis): [number, number] {
  const reach = (axis.output - 1) * axis.stride + 1;
  return [axis.before, Math.max(0, axis.kernel - 1 + reach - axis.input - axis.before)];
}

type Image = readonly [number, number, number];

/** Examples start .. start+count of [n, h, w, c] as [c, h, w, n]. */
function channelsToFront(backend: BackendWasm, x: TensorInfo, start: number, count: number, [h, w, c]: Image): TensorInfo {
  return permuted(backend, rowsOf(backend, x, start, count, h * w * c), [count, h * w, c], [2, 1, 0], [c, h, w, count]);
}

/** Examples start .. start+count of [n, h, w, c] as [h, w, n, c]. */
function batchToChannels(backend: BackendWasm, dy: TensorInfo, start: number, count: number, [h, w, c]: Image): TensorInfo {
  return permuted(backend, rowsOf(backend, dy, start, count, h * w * c), [count, h * w, c], [1, 0, 2], [h, w, count, c]);
}

function rowsOf(backend: BackendWasm, x: TensorInfo, start: number, count: number, rowSize: number): TensorInfo {
  const out = backend.makeOutput([count, rowSize], 'float32');
  view(backend, out).set(view(backend, x).subarray(start * rowSize, (start + count) * rowSize));
  return out;
}

/** Transposes x, seen as `shape`, and disposes it. */
function permuted(backend: BackendWasm, x: TensorInfo, shape: number[], perm: number[], outShape: number[]): TensorInfo {
  const out = runStock(backend, 'Transpose', { x: { ...x, shape } }, { perm });
  backend.disposeData(x.dataId);
  return { ...out, shape: outShape };
}

/** Adds [c, k_h, k_w, f] to [k_h, k_w, c, f], leaving out offsets beyond the filter. */
function addTransposed(backend: BackendWasm, geometry: ConvGeometry, part: TensorInfo, sum: TensorInfo): void {
  const { rows, columns, inChannels: inputs, outChannels: outputs } = geometry;
  const [, height, width] = part.shape as [number, number, number, number];
  const [from, to] = [view(backend, part), view(backend, sum)];
  for (let c = 0; c < inputs; c++)
    for (let kh = 0; kh < rows.kernel; kh++)
      for (let kw = 0; kw < columns.kernel; kw++) {
        const source = ((c * height + kh) * width + kw) * outputs;
        const target = ((kh * columns.kernel + kw) * inputs + c) * outputs;
        for (let f = 0; f < outputs; f++) to[target + f]! += from[source + f]!;
      }
}
