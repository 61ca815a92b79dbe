import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { imageFloats, loader, type PaddedShape, paddedWidth } from './images.ts';
import { keptFor } from './kept-weights.ts';
import type { NativeFunctions } from './module.ts';
import { pack, type PackedEnding, packedSize, TILE_ROWS } from './multiply.ts';
import { remembered } from '../kernels/remembered.ts';
import type { Scratch } from './scratch.ts';

/** A convolution of size 3 and stride 1 over padded images, given by addresses and byte steps. */
export interface SmallConvolution {
  readonly batch: number;
  /** The images and the zeros around them, so that a 3x3 window at every output lies inside. */
  readonly shape: PaddedShape;
  readonly from: number;
  /** Outputs of a ReLU of the images' shape, 0 for none; see {@link loader}. */
  readonly keptBy: number;
  readonly to: number;
  readonly height: number;
  readonly width: number;
  readonly channelsOut: number;
  readonly filter: TurnedFilter;
  readonly ending: PackedEnding;
}

const LEAST_CHANNELS = 8;

/** Tap (i, j) of channels (c, f) stands at `at + i * down + j * across + c * rowStep + f * columnStep`; steps may be negative. */
interface TurnedFilter {
  readonly tensor: TensorInfo;
  /** By 180 degrees, with its channels exchanged. */
  readonly turned: boolean;
  readonly at: number;
  readonly down: number;
  readonly across: number;
  readonly rowStep: number;
  readonly columnStep: number;
}

/** Whether {@link winograd} takes a convolution with these channels over this many output rows and columns. */
export function isForWinograd(channels: number, channelsOut: number, height: number, width: number): boolean {
  const fits = (count: number): boolean => count >= LEAST_CHANNELS && count % 4 === 0;
  return fits(channels) && fits(channelsOut) && Math.min(height, width) >= 4;
}

export const PLANES = 36;
/** Rows and columns of outputs in a tile. */
export const TILE = 4;
/** Floats of transformed patches and outputs at a time: they should stay in the second-level cache. */
const FLOATS_AT_ONCE = 131_072;
const IMAGE_FLOATS = 36_864;
/** Floats between planes: at distances of a power of two all would compete for the same few lines of the first-level cache. */
export const APART = 48;

/**
 * Computes a convolution with a quarter of the multiplications (see assembly/winograd.ts). Examples whose results are not all finite
 * before they end are given to `direct` instead: the transforms would spread an infinity as NaN over its whole tile.
 */
export function winograd(
  native: NativeFunctions, backend: BackendWasm, scratch: Scratch, convolution: SmallConvolution,
  direct: (example: number) => void,
): void {
  const { batch, height, width, channelsOut, from, keptBy, to, ending: { bias, rectified } } = convolution;
  const { shape, images, tiles, atOnce, sources, targets, lines, results } = plan(convolution.shape, height, width, channelsOut);
  const { channels } = shape;
  const load = loader(native, scratch, from, shape, images, keptBy);
  const [patchPlane, productPlane] = [(atOnce * channels + APART) * 4, (atOnce * channelsOut + APART) * 4];
  const [patches, products] = [scratch.floats((PLANES * patchPlane) / 4), scratch.floats((PLANES * productPlane) / 4)];
  const between = scratch.floats(PLANES * 4);
  const packed = transformFilter(native, backend, scratch, convolution);
  const [sourceTable, targetTable, lineTable, resultTable] = [sources, targets, lines, results].map((table) => scratch.table(table)) as [number, number, number, number];
  const imageSize = height * width * channelsOut;
  /** Says whether all results are finite. */
  const convolve = (first: number, count: number): boolean => {
    const [a, outputs] = [load(first, count), to + first * imageSize * 4];
    let finite = true;
    for (let tile = 0; tile < count * tiles; tile += atOnce) {
      const some = Math.min(atOnce, count * tiles - tile);
      native.winogradInput(some, sourceTable + tile * 4, a, paddedWidth(shape) * channels * 4, channels, patches, patchPlane, between);
      native.winogradProduct(some, lineTable, resultTable, patches, patchPlane, channels, packed.at, packed.size, channelsOut, products, productPlane);
      finite = native.winogradOutput(some, targetTable + tile * 4, products, productPlane, channelsOut, outputs, width * channelsOut * 4, between, bias, rectified) !== 0 && finite;
    }
    return finite;
  };
  for (let n = 0; n < batch; n += images) {
    const count = Math.min(images, batch - n);
    if (convolve(n, count)) continue;
    for (let example = n; example < n + count; example++) if (count === 1 || !convolve(example, 1)) direct(example);
  }
}

/** The transformed filter, packed plane by plane. */
function transformFilter(
  native: NativeFunctions, backend: BackendWasm, scratch: Scratch, { shape, channelsOut, filter }: SmallConvolution,
): { at: number; size: number } {
  const { channels } = shape;
  const [plane, size] = [channels * channelsOut * 4, packedSize(channels, channelsOut) * 4];
  const key = `winograd ${channels} ${channelsOut} ${filter.turned}`;
  const at = keptFor(backend, filter.tensor, key, (PLANES * size) / 4, (to) => {
    const planes = scratch.floats(PLANES * channels * channelsOut);
    native.winogradFilter(filter.at, filter.down, filter.across, channels, filter.rowStep, channelsOut, filter.columnStep, planes, plane);
    for (let p = 0; p < PLANES; p++)
      pack(native, [{ at: planes + p * plane, rows: channels, rowStep: channelsOut * 4, columnStep: 4 }], channelsOut, to + p * size);
  });
  return { at, size };
}

/** Padded images of a block and their tiles. */
interface TilePlan {
  readonly shape: PaddedShape;
  /** Images in a block, tiles of one, and tiles transformed at a time. */
  readonly images: number;
  readonly tiles: number;
  readonly atOnce: number;
  /** Where the patches of a block lie, and where its outputs go; see assembly/winograd.ts. */
  readonly sources: Uint32Array;
  readonly targets: Uint32Array;
  /** Rows of the products' operands and results. */
  readonly lines: Uint32Array;
  readonly results: Uint32Array;
}

/** Up to `most` images, so many that a product repeats the smallest share of its rows to fill its last tile. */
function fewestRepeated(most: number, tiles: number): number {
  const share = (images: number): number => Math.ceil((images * tiles) / TILE_ROWS) / (images * tiles);
  return Array.from({ length: most }, (_, i) => i + 1).reduce((best, images) => (share(images) <= share(best) ? images : best));
}

/** How a convolution of padded images is cut into tiles. */
export const plan: (given: PaddedShape, height: number, width: number, channelsOut: number) => TilePlan = remembered((given, height, width, channelsOut) => {
  const [down, across] = [Math.ceil(height / TILE), Math.ceil(width / TILE)];
  // The last tiles may lie half outside.
  const shape = { ...given, bottom: given.bottom + TILE * down - height, right: given.right + TILE * across - width };
  const tiles = down * across;
  const images = fewestRepeated(Math.max(1, Math.floor(IMAGE_FLOATS / imageFloats(shape))), tiles);
  const [sources, targets] = [new Uint32Array(images * tiles), new Uint32Array(images * tiles)];
  const more = (size: number, start: number): number => Math.min(TILE, size - start) - 1;
  for (let i = 0, n = 0; n < images; n++)
    for (let h = 0; h < height; h += TILE)
      for (let w = 0; w < width; w += TILE, i++) {
        sources[i] = 4 * (n * imageFloats(shape) + (h * paddedWidth(shape) + w) * shape.channels);
        targets[i] = 4 * ((n * height + h) * width + w) * channelsOut + more(width, w) + 4 * more(height, h);
      }
  const fitting = Math.floor(FLOATS_AT_ONCE / (PLANES * (shape.channels + channelsOut)) / TILE_ROWS);
  const atOnce = TILE_ROWS * Math.max(3, Math.min(25, fitting));
  const lines = Uint32Array.from({ length: atOnce }, (_, tile) => tile * shape.channels * 4);
  return { shape, images, tiles, atOnce, sources, targets, lines, results: lines.map((_, tile) => tile * channelsOut * 4) };
});
