import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { ConvGeometry } from '../kernels/conv-geometry.ts';
import { imageFloats, loader, type PaddedShape, paddedWidth } from './images.ts';
import type { NativeFunctions } from './module.ts';
import { remembered } from './remembered.ts';
import type { Scratch } from './scratch.ts';
import { filterLayout, stridedFilter, type Summands } from './strided-filter.ts';
import { APART, imagesOf, productTables, tileSizes } from './strided-products.ts';
import { inBlocks, type SmallConvolution } from './winograd.ts';

/** Transforms cost as the sum of both numbers of channels, what they save is as their product. */
const LEAST_RATIO = 9;

/** Whether {@link stridedWinograd} and its input gradient take a convolution: size 3, stride 2, no tile of one, and enough to save. */
export function isForStridedWinograd({ rows, columns, inChannels, outChannels }: ConvGeometry): boolean {
  const fits = [rows, columns].every(({ kernel, stride, input, output }) => kernel === 3 && stride === 2 && input >= 4 && output >= 2);
  return fits && inChannels % 4 === 0 && outChannels % 4 === 0 && inChannels * outChannels >= LEAST_RATIO * (inChannels + outChannels);
}

/**
 * Computes a convolution of stride 2 with about 0.6 of the multiplications (see assembly/strided-winograd.ts). Examples whose results
 * are not all finite are given to `direct` instead: the transforms would spread an infinity as NaN over its whole tile.
 */
export function stridedWinograd(
  native: NativeFunctions, backend: BackendWasm, scratch: Scratch, convolution: SmallConvolution,
  direct: (example: number) => void,
): void {
  const { batch, shape, height, width, channelsOut, from, keptBy, to, filter, ending: { bias, rectified } } = convolution;
  const { channels } = shape;
  const { images, down, across, pitch, places, productPitch, products, layout, tables } = plan(shape, height, width, channelsOut);
  const load = loader(native, scratch, from, shape, images, keptBy);
  const b = stridedFilter(native, backend, scratch, filter, channels, channelsOut, KINDS, layout);
  const [a, c] = [scratch.floats(images * places), scratch.floats(images * products)];
  const [line, lineOut] = [paddedWidth(shape) * channels, width * channelsOut];
  const lines = scratch.floats(Math.max(5 * line, 7 * lineOut));
  const [rowTiles, columnTiles, table] = [scratch.table(down), scratch.table(across), scratch.table(tables.table)];
  const imageSize = height * lineOut;
  const convolve = (first: number, count: number): boolean => {
    native.stridedInput(count, load(first, count), imageFloats(shape) * 4, line * 4, channels, rowTiles, columnTiles, a, pitch * 4, lines);
    native.products(tables.count, table + tables.list, table, count, pitch * 4, a, b, channelsOut, c);
    const outputs = to + first * imageSize * 4;
    return native.stridedOutput(count, c, productPitch * 4, channelsOut, rowTiles, columnTiles, outputs, lineOut * 4, lines, bias, rectified) !== 0;
  };
  inBlocks(batch, images, convolve, direct);
}

/** Kinds of products along an axis: for a tile's first output, those in the middle, its last, and at a, -a and b. */
const KINDS: readonly Summands[] = [[0, 1], [1], [1, 2], [3], [4], [5]];

/** A product along an axis, and the places of its operand and its result. */
interface AxisProduct {
  readonly kind: number;
  readonly source: number;
  readonly target: number;
}

/** Products of the tiles of an axis, as assembly/strided-winograd.ts orders their operands and results. */
function axisProducts(sizes: readonly number[]): AxisProduct[] {
  let [source, target] = [0, 0];
  return sizes.flatMap((n) => {
    const kinds = [0, ...Array<number>(n - 2).fill(1), 2, ...[3, 4, 5].slice(0, n - 1)];
    const products = kinds.map((kind, i) => ({ kind, source: source + (i === 0 ? 0 : i < n ? i + 1 : i + 2), target: target + i }));
    source += 2 * n + 1;
    target += 2 * n - 1;
    return products;
  });
}

/** How a convolution of padded images is cut into tiles; sizes in floats. */
const plan = remembered((shape: PaddedShape, height: number, width: number, channelsOut: number) => {
  const { channels } = shape;
  const [down, across] = [tileSizes(height), tileSizes(width)];
  const pitch = (2 * width + across.length) * channels + APART;
  const productPitch = (2 * width - across.length) * channelsOut + APART;
  const [places, products] = [(2 * height + down.length) * pitch, (2 * height - down.length) * productPitch];
  const images = imagesOf(places + products, channels, channelsOut);
  const layout = filterLayout(KINDS, channels, channelsOut);
  const tables = productTables(
    KINDS, layout, channels, images, axisProducts(down), axisProducts(across),
    (row, column) => ({ at: row.source * pitch + column.source * channels, size: places }),
    (row, column) => ({ at: row.target * productPitch + column.target * channelsOut, size: products }),
  );
  return { images, down: Uint32Array.from([...down, 0]), across: Uint32Array.from([...across, 0]), pitch, places, productPitch, products, layout, tables };
});
