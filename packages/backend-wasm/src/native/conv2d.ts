import type { NamedAttrMap, TensorInfo } from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { type ConvGeometry, convGeometry } from '../kernels/conv-geometry.ts';
import { type AddedKernel, input, type KernelArgs } from '../kernels/heap.ts';
import { runNanPassing } from '../kernels/nan-passing.ts';
import { assertChannelsLast } from '../kernels/refuse.ts';
import { type Ending, finish, packedEnding } from './ending.ts';
import { loader, paddedWidth } from './images.ts';
import { keptFor } from './kept-weights.ts';
import type { NativeFunctions } from './module.ts';
import { endsInProduct, multiply, pack, type PackedEnding, packedSize } from './multiply.ts';
import { address, withScratch } from './scratch.ts';
import { sparseConv2d } from './sparse-conv2d.ts';
import { forwardShape, windows } from './windows.ts';
import { isForWinograd, winograd } from './winograd.ts';

/**
 * 2-D convolution over NHWC data. A window of a zero-padded image is one stretch of values a filter row, so the whole is a
 * product of gathered rows with the filter as it stands. Dilated convolutions go to the backend's own kernel.
 */
export const conv2dKernels = (native: NativeFunctions): AddedKernel[] => [
  { kernelName: 'Conv2D', floats: true, run: (args) => endedConv2d(native, args, {}) },
  // With a bias if there is one; TF.js's FusedConv2D has no gradient through an activation, this has (gradients/conv-relu.ts).
  { kernelName: 'Conv2DRelu', floats: true, run: (args) => endedConv2d(native, args, { bias: args.inputs['bias'], rectified: true }) },
];

/** The convolution of `x` and `filter`, and what it ends with. */
export function endedConv2d(native: NativeFunctions, args: KernelArgs, ending: Ending): TensorInfo {
  const { backend, attrs } = args;
  const [x, filter] = [input(args, 'x'), input(args, 'filter')];
  assertChannelsLast(attrs);
  if (!isDilated(attrs)) return forward(native, backend, convGeometry(x.shape, filter.shape, attrs, false), x, filter, ending);
  const y = runNanPassing(backend, 'Conv2D', { x, filter }, attrs);
  finish(native, backend, y, ending);
  return y;
}

function isDilated(attrs: NamedAttrMap): boolean {
  const dilations = attrs['dilations'] as number | number[] | undefined;
  return dilations !== undefined && [dilations].flat().some((dilation) => dilation !== 1);
}

/** The convolution as a new tensor. */
export function forward(
  native: NativeFunctions, backend: BackendWasm, geometry: ConvGeometry, x: TensorInfo, filter: TensorInfo, ending: Ending = {},
): TensorInfo {
  const { batch, rows, columns, inChannels, outChannels } = geometry;
  const y = backend.makeOutput([batch, rows.output, columns.output, outChannels], 'float32');
  const image = rows.input * columns.input * inChannels * 4;
  const result = rows.output * columns.output * outChannels * 4;
  const packed = packedEnding(native, backend, outChannels, ending);
  const operands = { from: address(backend, x), to: address(backend, y), filter, ending: packed };
  const { from, to } = operands;
  if (!isSmall(geometry) || !isForWinograd(inChannels, outChannels, rows.output, columns.output)) {
    direct(native, backend, geometry, operands);
    if (!endsInProduct(outChannels)) finish(native, backend, y, ending);
    return y;
  }
  const convolution = {
    batch, shape: forwardShape(geometry), from, keptBy: 0, to, ending: packed, height: rows.output, width: columns.output, channelsOut: outChannels,
    filter: { tensor: filter, turned: false, at: address(backend, filter), down: 3 * inChannels * outChannels * 4, across: inChannels * outChannels * 4, rowStep: outChannels * 4, columnStep: 4 },
  };
  const again = (n: number): void => direct(native, backend, { ...geometry, batch: 1 }, { ...operands, from: from + n * image, to: to + n * result });
  withScratch(backend, (scratch) => winograd(native, backend, scratch, convolution, again));
  return y;
}

/** Size 3 and stride 1 along both axes. */
export function isSmall({ rows, columns }: ConvGeometry): boolean {
  return [rows, columns].every(({ kernel, stride }) => kernel === 3 && stride === 1);
}

/** Addresses of images and results, the filter, and how results end. */
export interface Operands {
  readonly from: number;
  readonly to: number;
  readonly filter: TensorInfo;
  readonly ending: PackedEnding;
}

/** The product of gathered rows with the filter. */
function direct(native: NativeFunctions, backend: BackendWasm, geometry: ConvGeometry, operands: Operands): void {
  if (sparseConv2d(native, backend, geometry, operands)) return;
  const { batch, rows, columns, inChannels, outChannels } = geometry;
  const { from, to, filter, ending } = operands;
  const { shape, atOnce, pixels, sources, targets } = windows(geometry);
  const taps = rows.kernel * columns.kernel * inChannels;
  const packed = keptFor(backend, filter, `forward ${taps} ${outChannels}`, packedSize(taps, outChannels), (at) =>
    pack(native, [{ at: address(backend, filter), rows: taps, rowStep: outChannels * 4, columnStep: 4 }], outChannels, at),
  );
  withScratch(backend, (scratch) => {
    const load = loader(native, scratch, from, shape, atOnce);
    const gathered = {
      sources: scratch.table(sources),
      targets: scratch.table(targets),
      segments: rows.kernel,
      length: columns.kernel * inChannels,
      pitch: paddedWidth(shape) * inChannels * 4,
    };
    for (let n = 0; n < batch; n += atOnce) {
      const count = Math.min(atOnce, batch - n);
      multiply(native, count * pixels, gathered, load(n, count), packed, outChannels, to + n * pixels * outChannels * 4, ending);
    }
  });
}
