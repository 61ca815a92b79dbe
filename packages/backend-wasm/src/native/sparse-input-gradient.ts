import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { ConvGeometry } from '../kernels/conv-geometry.ts';
import type { GradientOperands } from './conv2d-input-gradient.ts';
import { imagesAtOnce, type PaddedShape, paddedWidth } from './images.ts';
import { keptFor } from './kept-weights.ts';
import type { NativeFunctions } from './module.ts';
import { axisPhases } from './phases.ts';
import { remembered } from '../kernels/remembered.ts';
import { address, withScratch } from './scratch.ts';
import { allFinite, lister, pays, type SparseWork } from './sparse.ts';

/** Rows of a filter, and stride along them, that assembly/sparse-input-gradient.ts is for; and its channels at a time. */
const [ROWS, STRIDE, STRIP] = [3, 2, 16];
/** Bytes of a strip for each value of dy: the filter's rows one after the other. */
const STEP = ROWS * STRIP * 4;

/** The input gradient without what is zero in dy; false, and nothing is done, where that is not faster or the filter is of another form. */
export function sparseInputGradient(
  native: NativeFunctions, backend: BackendWasm, geometry: ConvGeometry, { from, keptBy, to, filter }: GradientOperands,
): boolean {
  const { batch, rows, columns, inChannels, outChannels } = geometry;
  if (rows.kernel !== ROWS || rows.stride !== STRIDE || outChannels % 4 !== 0 || inChannels < STRIP) return false;
  const image = rows.output * columns.output * outChannels;
  if (!pays(native, workOf(geometry), batch, image, keptBy === 0 ? from : keptBy) || !allFinite(native, backend, filter)) return false;
  const { shape, atOnce, phases } = plan(geometry);
  const [line, row] = [paddedWidth(shape) * 4, columns.input * inChannels * 4];
  withScratch(backend, (scratch) => {
    const list = lister(native, scratch, from, shape, atOnce, STEP, keptBy);
    const parts = phases.map(({ taps, sources, firsts, targets }) => ({
      packed: packed(native, backend, geometry, taps, filter), columns: targets.length, span: taps.length * 4, stripSize: taps.length * outChannels * STEP,
      sources: scratch.table(sources), firsts: scratch.table(firsts), targets: scratch.table(targets),
    }));
    for (let n = 0; n < batch; n += atOnce) {
      const count = Math.min(atOnce, batch - n);
      const starts = list(n, count);
      for (const phase of parts)
        native.sparseInputGradient(
          count, starts, rows.output * line, line, rows.output, phase.columns, phase.sources, phase.firsts, phase.targets, phase.span,
          phase.packed, phase.stripSize, inChannels, to + n * rows.input * row, rows.input * row, row, rows.input, rows.before,
        );
    }
  });
  return true;
}

const strips = (channels: number): number => Math.ceil(channels / STRIP);

/** Of one image: all of the filter's columns see a pixel of dy, in as many stretches as there are phases. */
function workOf({ rows, columns, inChannels, outChannels }: ConvGeometry): SparseWork {
  const pixels = rows.output * columns.output;
  const taps = rows.kernel * columns.kernel;
  return {
    dense: pixels * taps * outChannels * 2 * Math.ceil(inChannels / 8),
    sparse: pixels * taps * outChannels * 4 * strips(inChannels),
    stretches: pixels * Math.min(columns.stride, columns.kernel) * strips(inChannels),
    values: pixels * outChannels,
    strip: Math.ceil(columns.kernel / columns.stride) * outChannels * STEP,
  };
}

/** The filter's columns of a phase in strips of channels of dx: for each of them and each channel of dy the three rows. */
function packed(native: NativeFunctions, backend: BackendWasm, { columns, inChannels, outChannels }: ConvGeometry, taps: readonly number[], filter: TensorInfo): number {
  const floats = strips(inChannels) * taps.length * outChannels * (STEP / 4);
  return keptFor(backend, filter, `sparse backward ${columns.kernel} ${inChannels} ${outChannels} ${taps.join()}`, floats, (at) => {
    const tap = inChannels * outChannels * 4;
    let to = at;
    for (let strip = 0; strip < inChannels; strip += STRIP)
      for (const column of taps) {
        for (let row = 0; row < ROWS; row++) {
          const from = address(backend, filter) + (row * columns.kernel + column) * tap + Math.min(strip, inChannels - STRIP) * outChannels * 4;
          native.packStrip(from, outChannels, 4, STRIP, outChannels * 4, to + row * STRIP * 4, STEP);
        }
        to += outChannels * STEP;
      }
  });
}

/** Each phase of columns: where their pixels of dy are, the offsets of those in a line, and where the columns lie in a row of dx. */
const plan = remembered(({ rows, columns, inChannels, outChannels }: ConvGeometry) => {
  const { phases, before, after } = axisPhases(columns);
  const shape: PaddedShape = { height: rows.output, width: columns.output, channels: outChannels, top: 0, bottom: 0, left: before, right: after };
  return {
    shape,
    atOnce: imagesAtOnce(shape, rows.input * columns.input),
    phases: phases.map(({ taps, inputs, starts }) => ({
      taps,
      sources: Uint32Array.from(starts, (start) => start * 4),
      firsts: Uint32Array.from(starts, (start) => start * outChannels * STEP),
      targets: Uint32Array.from(inputs, (input) => input * inChannels * 4),
    })),
  };
}, ({ key }) => key);
