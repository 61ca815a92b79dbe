import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { type ConvGeometry, convGeometry } from '../kernels/conv-geometry.ts';
import { type AddedKernel, input, type KernelArgs, view } from '../kernels/heap.ts';
import { isSmall } from './conv2d.ts';
import { imagesAtOnce, imageFloats, loader, type PaddedShape, paddedWidth } from './images.ts';
import { keptFor } from './kept-weights.ts';
import type { NativeFunctions } from './module.ts';
import { type GatheredRows, multiply, NOTHING, pack, packedSize } from './multiply.ts';
import { type AxisPhase, axisPhases } from './phases.ts';
import { remembered } from '../kernels/remembered.ts';
import { address, type Scratch, withScratch } from './scratch.ts';
import { sparseInputGradient } from './sparse-input-gradient.ts';
import { isForWinograd, winograd } from './winograd.ts';

/*
 * Input gradient of a 2-D convolution: dx[i] = sum over k of w[k] dy[o] with stride * o = i + before - k, along both axes.
 * Inputs i with the same (i + before) mod stride use the same filter elements, so each such phase is a product of gathered rows
 * of the zero-padded dy with those elements, flipped. Nothing is multiplied by the zeros of an upsampled dy.
 */
export const conv2dInputGradients = (native: NativeFunctions): AddedKernel[] => [
  { kernelName: 'Conv2DBackpropInput', floats: true, run: (args) => run(native, args) },
  // Of a convolution that ends with a ReLU, whose outputs y say where dy counts: that is read off as dy is padded.
  { kernelName: 'Conv2DReluBackpropInput', floats: true, run: (args) => run(native, args, input(args, 'y')) },
];

function run(native: NativeFunctions, args: KernelArgs, y?: TensorInfo): TensorInfo {
  const filter = input(args, 'filter');
  const geometry = convGeometry(args.attrs['inputShape'] as number[], filter.shape, args.attrs, false);
  return inputGradient(native, args.backend, geometry, input(args, 'dy'), filter, y);
}

/** Gradient with respect to the input [batch, rows, columns, in channels], a new tensor. `y`: outputs of a ReLU that dy came through. */
export function inputGradient(
  native: NativeFunctions, backend: BackendWasm, geometry: ConvGeometry, dy: TensorInfo, filter: TensorInfo, y?: TensorInfo,
): TensorInfo {
  const { batch, rows, columns, inChannels, outChannels } = geometry;
  const dx = backend.makeOutput([batch, rows.input, columns.input, inChannels], 'float32');
  const { shape, covers } = plan(geometry);
  if (!covers) view(backend, dx).fill(0);
  const operands = { from: address(backend, dy), keptBy: y === undefined ? 0 : address(backend, y), to: address(backend, dx), filter };
  const { from, keptBy, to } = operands;
  if (!isSmall(geometry) || !covers || !isForWinograd(outChannels, inChannels, rows.input, columns.input)) {
    direct(native, backend, geometry, operands);
    return dx;
  }
  const image = rows.output * columns.output * outChannels * 4;
  const result = rows.input * columns.input * inChannels * 4;
  // The filter turned by 180 degrees, with its channels exchanged.
  const tap = inChannels * outChannels * 4;
  const turned = { tensor: filter, turned: true, at: address(backend, filter) + 8 * tap, down: -3 * tap, across: -tap, rowStep: 4, columnStep: outChannels * 4 };
  const convolution = { batch, shape, from, keptBy, to, ending: NOTHING, height: rows.input, width: columns.input, channelsOut: inChannels, filter: turned };
  const again = (n: number): void => direct(native, backend, { ...geometry, batch: 1 }, {
    from: from + n * image, keptBy: keptBy && keptBy + n * image, to: to + n * result, filter,
  });
  withScratch(backend, (scratch) => winograd(native, backend, scratch, convolution, again));
  return dx;
}

/** Addresses of output gradients, of outputs of the ReLU that they came through (0: none) and of results, and the filter. */
export interface GradientOperands {
  readonly from: number;
  readonly keptBy: number;
  readonly to: number;
  readonly filter: TensorInfo;
}

/** Phase by phase; inputs that no phase reaches stay as they are. */
function direct(native: NativeFunctions, backend: BackendWasm, geometry: ConvGeometry, operands: GradientOperands): void {
  if (sparseInputGradient(native, backend, geometry, operands)) return;
  const { batch, rows, columns, inChannels } = geometry;
  const { from, keptBy, to, filter } = operands;
  const { shape, atOnce, phases } = plan(geometry);
  const imageSize = rows.input * columns.input * inChannels * 4;
  withScratch(backend, (scratch) => {
    const load = loader(native, scratch, from, shape, atOnce, keptBy);
    const parts = phases.map((phase) => prepare(native, backend, scratch, geometry, phase, filter, shape));
    for (let n = 0; n < batch; n += atOnce) {
      const count = Math.min(atOnce, batch - n);
      const a = load(n, count);
      for (const { gathered, packed, pixels } of parts)
        multiply(native, count * pixels, gathered, a, packed, inChannels, to + n * imageSize);
    }
  });
}

/** One phase's filter elements in the order of dy, and where its windows and results are. */
function prepare(
  native: NativeFunctions, backend: BackendWasm, scratch: Scratch, geometry: ConvGeometry, phase: Phase, filter: TensorInfo, shape: PaddedShape,
): Prepared {
  const { columns, inChannels, outChannels } = geometry;
  const slices = phase.rowTaps.flatMap((kh) =>
    phase.columnTaps.map((kw) => ({
      at: address(backend, filter) + (kh * columns.kernel + kw) * inChannels * outChannels * 4,
      rows: outChannels, rowStep: 4, columnStep: outChannels * 4,
    })),
  );
  const key = `backward ${columns.kernel} ${inChannels} ${outChannels} ${phase.rowTaps.join()} ${phase.columnTaps.join()}`;
  const packed = keptFor(backend, filter, key, packedSize(slices.length * outChannels, inChannels), (at) => pack(native, slices, inChannels, at));
  const gathered = {
    sources: scratch.table(phase.sources),
    targets: scratch.table(phase.targets),
    segments: phase.rowTaps.length,
    length: phase.columnTaps.length * outChannels,
    pitch: paddedWidth(shape) * outChannels * 4,
  };
  return { gathered, packed, pixels: phase.pixels };
}

interface Prepared {
  readonly gathered: GatheredRows;
  readonly packed: number;
  readonly pixels: number;
}

interface Phase {
  /** Filter rows and columns in the order in which dy is read: descending. */
  readonly rowTaps: readonly number[];
  readonly columnTaps: readonly number[];
  readonly pixels: number;
  readonly sources: Uint32Array;
  readonly targets: Uint32Array;
}

const plan = remembered((geometry: ConvGeometry) => {
  const { rows, columns, outChannels } = geometry;
  const [down, across] = [axisPhases(rows), axisPhases(columns)];
  const shape: PaddedShape = {
    height: rows.output, width: columns.output, channels: outChannels,
    top: down.before, bottom: down.after, left: across.before, right: across.after,
  };
  const atOnce = imagesAtOnce(shape, rows.input * columns.input);
  const phases = down.phases.flatMap((row) => across.phases.map((column) => phaseOf(geometry, shape, atOnce, row, column)));
  const covers = phases.reduce((sum, { pixels }) => sum + pixels, 0) === rows.input * columns.input;
  return { shape, atOnce, phases, covers };
}, ({ key }) => key);

function phaseOf({ rows, columns, inChannels, outChannels }: ConvGeometry, shape: PaddedShape, atOnce: number, row: AxisPhase, column: AxisPhase): Phase {
  const pixels = row.inputs.length * column.inputs.length;
  const [sources, targets] = [new Uint32Array(atOnce * pixels), new Uint32Array(atOnce * pixels)];
  for (let i = 0, n = 0; n < atOnce; n++)
    row.inputs.forEach((h, down) =>
      column.inputs.forEach((w, across) => {
        sources[i] = 4 * (n * imageFloats(shape) + (row.starts[down]! * paddedWidth(shape) + column.starts[across]!) * outChannels);
        targets[i++] = 4 * ((n * rows.input + h) * columns.input + w) * inChannels;
      }),
    );
  return { rowTaps: row.taps, columnTaps: column.taps, pixels, sources, targets };
}
