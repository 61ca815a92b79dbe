import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { ConvGeometry } from '../kernels/conv-geometry.ts';
import type { Operands } from './conv2d.ts';
import { paddedWidth } from './images.ts';
import { keptFor } from './kept-weights.ts';
import type { NativeFunctions } from './module.ts';
import { packStrips, SPARSE_COLUMNS, STRIP_STEP, stripCount } from './multiply.ts';
import { remembered } from '../kernels/remembered.ts';
import { address, withScratch } from './scratch.ts';
import { allFinite, lister, pays, type SparseWork } from './sparse.ts';
import { windows } from './windows.ts';

/** The convolution without what is zero in its input; false, and nothing is done, where that is not faster. */
export function sparseConv2d(
  native: NativeFunctions, backend: BackendWasm, geometry: ConvGeometry, { from, to, filter, ending }: Operands,
): boolean {
  const { batch, rows, columns, inChannels, outChannels } = geometry;
  if (inChannels % 4 !== 0 || outChannels < SPARSE_COLUMNS) return false;
  const image = rows.input * columns.input * inChannels;
  if (!pays(native, workOf(geometry), batch, image, from) || !allFinite(native, backend, filter)) return false;
  const { shape, atOnce, pixels, targets } = windows(geometry);
  const { sources, firsts } = windowsInList(geometry);
  const taps = rows.kernel * columns.kernel * inChannels;
  const packed = keptFor(backend, filter, `sparse forward ${taps} ${outChannels}`, stripCount(outChannels) * taps * SPARSE_COLUMNS, (at) =>
    packStrips(native, { at: address(backend, filter), rows: taps, rowStep: outChannels * 4, columnStep: 4 }, outChannels, at),
  );
  withScratch(backend, (scratch) => {
    const list = lister(native, scratch, from, shape, atOnce, STRIP_STEP);
    const [at, first, result] = [scratch.table(sources), scratch.table(firsts), scratch.table(targets)];
    const [span, pitch, segment] = [columns.kernel * 4, paddedWidth(shape) * 4, columns.kernel * inChannels * STRIP_STEP];
    for (let n = 0; n < batch; n += atOnce) {
      const count = Math.min(atOnce, batch - n);
      const starts = list(n, count);
      native.sparseProduct(
        count * pixels, at, first, result, starts, rows.kernel, span, pitch, segment,
        packed, outChannels, to + n * pixels * outChannels * 4, ending.bias, ending.rectified,
      );
    }
  });
  return true;
}

/** Of one image. */
function workOf({ rows, columns, inChannels, outChannels }: ConvGeometry): SparseWork {
  const pixels = rows.output * columns.output;
  const taps = rows.kernel * columns.kernel * inChannels;
  return {
    dense: pixels * taps * 2 * Math.ceil(outChannels / 8),
    sparse: pixels * taps * 8 * stripCount(outChannels),
    stretches: pixels * rows.kernel * stripCount(outChannels),
    values: rows.input * columns.input * inChannels,
    strip: taps * STRIP_STEP,
  };
}

/** A window's first pixel in the starts, and its offset in its line. */
const windowsInList = remembered(
  (geometry: ConvGeometry) => {
    const { sources, shape } = windows(geometry);
    const pixels = sources.map((source) => source / (4 * shape.channels));
    return { sources: pixels.map((pixel) => 4 * pixel), firsts: pixels.map((pixel) => (pixel % paddedWidth(shape)) * shape.channels * STRIP_STEP) };
  },
  ({ key }) => key,
);
