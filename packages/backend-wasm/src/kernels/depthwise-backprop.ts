import type { TensorInfo } from '@tensorflow/tfjs-core';
import { type ConvAxis, type ConvGeometry, convGeometry, forwardAttrs } from './conv-geometry.ts';
import { type AddedKernel, input, type KernelArgs, view, zeros } from './heap.ts';
import { runNanPassing } from './nan-passing.ts';

/** Input gradient of a depthwise convolution: at stride 1 a forward one with the filter turned round, else plain loops. */
export const depthwiseBackpropInput: AddedKernel = {
  kernelName: 'DepthwiseConv2dNativeBackpropInput',
  run: (args) => {
    const [dy, filter] = [input(args, 'dy'), input(args, 'filter')];
    const shape = args.attrs['inputShape'] as number[];
    const geometry = convGeometry(shape, filter.shape, args.attrs, true);
    const pads = [mirroredPad(geometry.rows), mirroredPad(geometry.columns)] as const;
    if (geometry.inChannels === geometry.outChannels && pads.every((pad) => pad !== undefined)) return turnedRound(args, dy, filter, pads as Pads);
    const dx = zeros(args.backend, shape);
    sweep(geometry, views(args, { image: dx, filter, dy }), addToInput);
    return dx;
  },
};

type Pads = readonly [readonly [number, number], readonly [number, number]];

/** Padding under which the turned filter gives exactly the input's length; undefined where there is none. */
function mirroredPad({ input: size, output, kernel, stride, before }: ConvAxis): [number, number] | undefined {
  const pad: [number, number] = [kernel - 1 - before, size - output + before];
  return stride === 1 && pad[0] >= 0 && pad[1] >= 0 ? pad : undefined;
}

function turnedRound({ backend }: KernelArgs, dy: TensorInfo, filter: TensorInfo, [rowPad, columnPad]: Pads): TensorInfo {
  const [height, width, channels] = filter.shape as [number, number, number];
  const turned = backend.makeOutput(filter.shape, 'float32');
  const [from, to] = [view(backend, filter), view(backend, turned)];
  for (let tap = 0; tap < height * width; tap++)
    to.set(from.subarray(tap * channels, (tap + 1) * channels), (height * width - 1 - tap) * channels);
  const dx = runNanPassing(backend, 'DepthwiseConv2dNative', { x: dy, filter: turned }, forwardAttrs([1, 1], [1, 1], rowPad, columnPad));
  backend.disposeData(turned.dataId);
  return dx;
}

/** Filter gradient of a depthwise convolution. */
export const depthwiseBackpropFilter: AddedKernel = {
  kernelName: 'DepthwiseConv2dNativeBackpropFilter',
  run: (args) => {
    const [x, dy] = [input(args, 'x'), input(args, 'dy')];
    const shape = args.attrs['filterShape'] as number[];
    const geometry = convGeometry(x.shape, shape, args.attrs, true);
    const dw = args.backend.makeOutput(shape, 'float32');
    // Summed in float64: one filter element collects every pixel of the batch.
    const sums = new Float64Array(shape.reduce((a, b) => a * b, 1));
    sweep(geometry, { ...views(args, { image: x, dy }), filter: sums }, addToFilter);
    view(args.backend, dw).set(sums);
    return dw;
  },
};

type Values = Float32Array | Float64Array;
interface Buffers {
  readonly image: Values;
  readonly filter: Values;
  readonly dy: Values;
}

function views<T extends string>(args: KernelArgs, tensors: Record<T, TensorInfo>): Record<T, Float32Array> {
  const entries = Object.entries<TensorInfo>(tensors).map(([name, tensor]) => [name, view(args.backend, tensor)]);
  return Object.fromEntries(entries) as Record<T, Float32Array>;
}

/** Adds the products of one output row and one filter element, from `o` on over `pixels` output columns. */
type AddRow = (buffers: Buffers, offsets: { image: number; filter: number; dy: number }, row: RowSize) => void;
interface RowSize {
  readonly pixels: number;
  readonly imageStep: number;
  readonly channels: number;
  readonly multiplier: number;
}

/** Visits every (example, output row, filter element) whose input row exists; input columns outside are cut beforehand. */
function sweep(geometry: ConvGeometry, buffers: Buffers, add: AddRow): void {
  const { rows, columns, inChannels: channels } = geometry;
  const multiplier = geometry.outChannels / channels;
  for (let n = 0; n < geometry.batch; n++)
    for (let kh = 0; kh < rows.kernel; kh++) {
      const [firstRow, lastRow] = inside(rows, kh);
      for (let oh = firstRow; oh <= lastRow; oh++) {
        const h = oh * rows.stride + kh - rows.before;
        for (let kw = 0; kw < columns.kernel; kw++) {
          const [first, last] = inside(columns, kw);
          const w = first * columns.stride + kw - columns.before;
          const offsets = {
            image: ((n * rows.input + h) * columns.input + w) * channels,
            filter: (kh * columns.kernel + kw) * channels * multiplier,
            dy: ((n * rows.output + oh) * columns.output + first) * channels * multiplier,
          };
          add(buffers, offsets, { pixels: last - first + 1, imageStep: columns.stride * channels, channels, multiplier });
        }
      }
    }
}

/** First and last output index for which filter element k meets an input element. */
function inside(axis: ConvAxis, k: number): [number, number] {
  const first = Math.max(0, Math.ceil((axis.before - k) / axis.stride));
  return [first, Math.min(axis.output - 1, Math.floor((axis.input - 1 + axis.before - k) / axis.stride))];
}

const addToInput: AddRow = ({ image, filter, dy }, offsets, { pixels, imageStep, channels, multiplier }) => {
  let d = offsets.dy;
  for (let p = 0; p < pixels; p++) {
    const base = offsets.image + p * imageStep;
    let f = offsets.filter;
    for (let c = 0; c < channels; c++) for (let m = 0; m < multiplier; m++) image[base + c]! += filter[f++]! * dy[d++]!;
  }
};

const addToFilter: AddRow = (buffers, offsets, row) => {
  if (row.multiplier === 1) return addToPlainFilter(buffers, offsets, row);
  const { image, filter, dy } = buffers;
  let d = offsets.dy;
  for (let p = 0; p < row.pixels; p++) {
    const base = offsets.image + p * row.imageStep;
    let f = offsets.filter;
    for (let c = 0; c < row.channels; c++) for (let m = 0; m < row.multiplier; m++) filter[f++]! += image[base + c]! * dy[d++]!;
  }
};

const addToPlainFilter: AddRow = ({ image, filter, dy }, offsets, { pixels, imageStep, channels }) => {
  for (let p = 0; p < pixels; p++) {
    const [i, d, f] = [offsets.image + p * imageStep, offsets.dy + p * channels, offsets.filter];
    for (let c = 0; c < channels; c++) filter[f + c]! += image[i + c]! * dy[d + c]!;
  }
};
