import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { type ConvGeometry, convGeometry, forwardAttrs } from './conv-geometry.ts';
import { type AddedKernel, input, type KernelArgs, view } from './heap.ts';
import { runNanPassing } from './nan-passing.ts';
import { cheapestStep, filterIndex, phaseWindow, type PhaseWindow, range } from './phases.ts';

/**
 * Input gradient of a 2-D convolution as forward convolutions over the output gradient (see phases.ts): one per row of a
 * stride block, all columns of a block as channels. TF.js's own kernel is a plain loop, about ten times slower.
 */
export const conv2dBackpropInput: AddedKernel = { kernelName: 'Conv2DBackpropInput', run };

function run(args: KernelArgs): TensorInfo {
  const filter = input(args, 'filter');
  const geometry = convGeometry(args.attrs['inputShape'] as number[], filter.shape, args.attrs, false);
  return inputGradient(args.backend, geometry, input(args, 'dy'), filter);
}

/** Gradient with respect to the input [batch, rows, columns, in channels], a new tensor. */
export function inputGradient(backend: BackendWasm, geometry: ConvGeometry, dy: TensorInfo, filter: TensorInfo): TensorInfo {
  const shape = [geometry.batch, geometry.rows.input, geometry.columns.input, geometry.inChannels];
  const rowPhases = range(geometry.rows.stride);
  const parts = rowPhases.map((row) => rowPart(backend, geometry, dy, filter, row));
  const only = parts[0];
  if (parts.length === 1 && only !== undefined && fits(only, geometry)) return { ...only, shape };
  const out = backend.makeOutput(shape, 'float32');
  interleave(backend, geometry, parts, out);
  for (const part of parts) if (part !== undefined) backend.disposeData(part.dataId);
  return out;
}

/** Gradient of the input rows row, row + stride, ...: [batch, blocks, column blocks, block * channels]; undefined: all zero. */
function rowPart(backend: BackendWasm, geometry: ConvGeometry, dy: TensorInfo, filter: TensorInfo, row: number): TensorInfo | undefined {
  const { rows, columns } = geometry;
  if (row >= rows.input) return undefined;
  const step = cheapestStep(columns, geometry.inChannels);
  const rowWindow = phaseWindow(rows, [row], 1);
  const columnWindow = phaseWindow(columns, range(columns.stride * step), step);
  if (rowWindow === undefined || columnWindow === undefined) return undefined;
  const flipped = phaseFilter(backend, geometry, filter, { row, rowWindow, columnWindow, block: columns.stride * step });
  const attrs = forwardAttrs([1, step], [1, 1], rowWindow.pad, columnWindow.pad);
  const part = runNanPassing(backend, 'Conv2D', { x: dy, filter: flipped }, attrs);
  backend.disposeData(flipped.dataId);
  return part;
}

interface PhasePlan {
  readonly row: number;
  readonly rowWindow: PhaseWindow;
  readonly columnWindow: PhaseWindow;
  readonly block: number;
}

/** The filter [window rows, window columns, out channels, block * in channels] of one row's convolution. */
function phaseFilter(backend: BackendWasm, geometry: ConvGeometry, filter: TensorInfo, plan: PhasePlan): TensorInfo {
  const { rowWindow, columnWindow, block } = plan;
  const { inChannels, outChannels, rows, columns } = geometry;
  const out = backend.makeOutput([rowWindow.size, columnWindow.size, outChannels, block * inChannels], 'float32');
  const [from, to] = [view(backend, filter), view(backend, out)];
  to.fill(0);
  for (const tap of taps(plan)) {
    const kh = filterIndex(rows, plan.row, rowWindow.first + tap.row);
    const kw = filterIndex(columns, tap.member, columnWindow.first + tap.column);
    if (kh < 0 || kw < 0) continue;
    const source = (kh * columns.kernel + kw) * inChannels * outChannels;
    const target = (tap.row * columnWindow.size + tap.column) * outChannels * block * inChannels + tap.member * inChannels;
    transposeInto(from, source, to, target, { inChannels, outChannels, rowLength: block * inChannels });
  }
  return out;
}

function* taps(plan: PhasePlan): Generator<{ row: number; column: number; member: number }> {
  for (const row of range(plan.rowWindow.size))
    for (const column of range(plan.columnWindow.size)) for (const member of range(plan.block)) yield { row, column, member };
}

/** Copies one filter element's [in, out] matrix to [out, in], rows `rowLength` apart. */
function transposeInto(
  from: Float32Array,
  source: number,
  to: Float32Array,
  target: number,
  size: { inChannels: number; outChannels: number; rowLength: number },
): void {
  const { inChannels, outChannels, rowLength } = size;
  for (let c = 0; c < inChannels; c++)
    for (let o = 0; o < outChannels; o++) to[target + o * rowLength + c] = from[source + c * outChannels + o]!;
}

function fits(part: TensorInfo, geometry: ConvGeometry): boolean {
  const [, height, width, channels] = part.shape as [number, number, number, number];
  return height === geometry.rows.input && width * channels === geometry.columns.input * geometry.inChannels;
}

/** Row h of the result is row floor(h / stride) of part h mod stride, cut to the input's width. */
function interleave(backend: BackendWasm, geometry: ConvGeometry, parts: readonly (TensorInfo | undefined)[], out: TensorInfo): void {
  const { batch, rows, columns } = geometry;
  const rowLength = columns.input * geometry.inChannels;
  const to = view(backend, out);
  to.fill(0);
  parts.forEach((part, phase) => {
    if (part === undefined) return;
    const [, height, width, channels] = part.shape as [number, number, number, number];
    const from = view(backend, part);
    for (let n = 0; n < batch; n++)
      for (let q = 0, h = phase; h < rows.input; q++, h += rows.stride) {
        const start = (n * height + q) * width * channels;
        to.set(from.subarray(start, start + rowLength), (n * rows.input + h) * rowLength);
      }
  });
}
