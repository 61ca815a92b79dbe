import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { ConvGeometry } from '../kernels/conv-geometry.ts';
import { forwardShape } from './windows.ts';
import { loader, paddedWidth } from './images.ts';
import { heapOf, type NativeFunctions } from './module.ts';
import { remembered } from '../kernels/remembered.ts';
import { withScratch } from './scratch.ts';
import { APART, PLANES, plan, TILE } from './winograd.ts';

/** Floats of transformed patches and output gradients at a time. */
const FLOATS_AT_ONCE = 196_608;
/** The longest sum without rounding in between; see assembly/outer.ts. */
const MOST_TILES = 192;

/**
 * Filter gradient of a convolution of size 3 and stride 1 (see assembly/winograd-filter.ts), written to `dw`. Says whether all of it
 * is finite: where not, an infinity may have spread, and the direct sum is to be taken.
 */
export function winogradFilter(native: NativeFunctions, backend: BackendWasm, geometry: ConvGeometry, x: number, dy: number, dw: number): boolean {
  const { batch, rows, columns, inChannels, outChannels } = geometry;
  const { shape, tiles, sources } = plan(forwardShape(geometry), rows.output, columns.output, outChannels);
  const { gradients, starts } = gradientPlan(rows.output, columns.output, outChannels);
  const atOnce = Math.max(8, Math.min(MOST_TILES, Math.floor(FLOATS_AT_ONCE / (PLANES * (inChannels + outChannels)))));
  const [patchPlane, gradientPlane] = [(atOnce * inChannels + APART) * 4, (atOnce * outChannels + APART) * 4];
  const pairs = inChannels * outChannels;
  return withScratch(backend, (scratch) => {
    const loadImage = loader(native, scratch, x, shape, 1);
    const loadGradient = loader(native, scratch, dy, gradients, 1);
    const [patches, turned, sums, between] = [(PLANES * patchPlane) / 4, (PLANES * gradientPlane) / 4, PLANES * pairs, PLANES * 4].map((count) =>
      scratch.floats(count),
    ) as [number, number, number, number];
    const [sourceTable, startTable] = [scratch.table(sources.subarray(0, tiles)), scratch.table(starts)];
    heapOf(backend).HEAPU8.fill(0, sums, sums + PLANES * pairs * 4);
    let filled = 0;
    const flush = (): void => {
      if (filled > 0) native.winogradSums(filled, inChannels, patches, patchPlane, outChannels, turned, gradientPlane, sums);
      filled = 0;
    };
    for (let n = 0; n < batch; n++) {
      const [image, gradient] = [loadImage(n, 1), loadGradient(n, 1)];
      for (let tile = 0; tile < tiles; ) {
        const some = Math.min(atOnce - filled, tiles - tile);
        native.winogradInput(
          some, sourceTable + tile * 4, image, paddedWidth(shape) * inChannels * 4, inChannels, patches + filled * inChannels * 4, patchPlane, between,
        );
        native.winogradGradient(
          some, startTable + tile * 4, gradient, paddedWidth(gradients) * outChannels * 4, outChannels,
          turned + filled * outChannels * 4, gradientPlane, between,
        );
        tile += some;
        filled += some;
        if (filled === atOnce) flush();
      }
    }
    flush();
    return native.winogradTaps(pairs, sums, dw, between) !== 0;
  });
}

/** Output gradients filled up to whole tiles, and where each tile starts. */
const gradientPlan = remembered((height: number, width: number, channels: number) => {
  const [down, across] = [height, width].map((size) => Math.ceil(size / TILE)) as [number, number];
  const gradients = { height, width, channels, top: 0, bottom: TILE * down - height, left: 0, right: TILE * across - width };
  const starts = Uint32Array.from({ length: down * across }, (_, i) => {
    const [row, column] = [Math.floor(i / across) * TILE, (i % across) * TILE];
    return 4 * (row * paddedWidth(gradients) + column) * channels;
  });
  return { gradients, starts };
});
