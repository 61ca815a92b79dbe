import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { ConvAxis, ConvGeometry } from '../kernels/conv-geometry.ts';
import { imageFloats, loader, type PaddedShape, paddedWidth } from './images.ts';
import type { NativeFunctions } from './module.ts';
import { remembered } from './remembered.ts';
import type { Scratch } from './scratch.ts';
import { filterLayout, stridedFilter, type Summands } from './strided-filter.ts';
import { APART, imagesOf, productTables, tileSizes } from './strided-products.ts';
import { inBlocks, type SmallConvolution } from './winograd.ts';

/**
 * The input gradient of a convolution for {@link isForStridedWinograd}, by the transforms of assembly/strided-gradient.ts. The
 * convolution given is that of dy: its images are dy, its results are dx.
 */
export const stridedGradient = (geometry: ConvGeometry) => (
  native: NativeFunctions, backend: BackendWasm, scratch: Scratch, convolution: SmallConvolution,
  direct: (example: number) => void,
): void => {
  const { batch, shape, height, width, channelsOut, from, keptBy, to, filter } = convolution;
  const { channels } = shape;
  const { images, rows, columns, down, across, layout, tables, pitch, productPitch, sizes } = plan({ ...geometry, batch: 0 }, shape);
  const load = loader(native, scratch, from, shape, images, keptBy);
  const b = stridedFilter(native, backend, scratch, filter, channels, channelsOut, KINDS, layout);
  const turned = scratch.floats(images * (sizes.turned + sizes.places));
  const sums = scratch.floats(images * (sizes.sums + sizes.products));
  const [places, products] = [turned + images * sizes.turned * 4, sums + images * sizes.sums * 4];
  const [rowTiles, columnTiles, table] = [scratch.table(down), scratch.table(across), scratch.table(tables.table)];
  const [line, lineOut, imageSize] = [paddedWidth(shape) * channels * 4, width * channelsOut * 4, height * width * channelsOut];
  const convolve = (first: number, count: number): boolean => {
    const [dy, dx] = [load(first, count), to + first * imageSize * 4];
    native.stridedGradientInput(
      count, dy, imageFloats(shape) * 4, line, channels, rowTiles, columnTiles,
      rows.tiled.start * line, rows.between.start * line, rows.between.number, columns.tiled.start * channels * 4, turned, places, pitch * 4,
    );
    const list = table + tables.list;
    native.products(tables.count - 1, list, table, count, 0, turned, b, channelsOut, sums);
    // The last kind, of tap 1 alone, reads dy itself and writes dx.
    native.products(1, list + (tables.count - 1) * 24, table, count, 0, dy, b, channelsOut, dx);
    return native.stridedGradientOutput(
      count, products, productPitch * 4, channelsOut, rowTiles, columnTiles,
      rows.tiled.first * lineOut, rows.between.first * lineOut, rows.between.number, columns.tiled.first * channelsOut * 4, sums, dx, imageSize * 4, lineOut,
    ) !== 0;
  };
  inBlocks(batch, images, convolve, direct);
};

/** Kinds of products along an axis: at 0, infinity, a, -a and b, and those of tap 1. */
const KINDS: readonly Summands[] = [[0], [2], [3], [4], [5], [1]];
const BETWEEN = 5;

/** Every second input along an axis: the first one, how many, and where in the padded dy the first one's window begins. */
interface Phase {
  readonly first: number;
  readonly number: number;
  readonly start: number;
}

/** A product along an axis: its place among the transformed, and for those of tap 1 the places in dy and dx. */
interface AxisProduct {
  readonly kind: number;
  readonly place: number;
  readonly from: number;
  readonly to: number;
}

/** Inputs under taps 0 and 2, in tiles, and those in between, under tap 1. */
function axisPlan({ input, before }: ConvAxis, padding: number) {
  const phase = (tap: number): Phase => {
    const first = (before + tap) % 2;
    return { first, number: Math.ceil((input - first) / 2), start: (first + before + tap) / 2 - 1 + padding };
  };
  const [tiled, between] = [phase(0), phase(1)];
  const tiles = tileSizes(tiled.number);
  const kinds = tiles.flatMap((n) => Array.from({ length: n + 1 }, (_, kind) => kind));
  const products: AxisProduct[] = [
    ...kinds.map((kind, place) => ({ kind, place, from: 0, to: 0 })),
    ...Array.from({ length: between.number }, (_, i) => ({ kind: BETWEEN, place: kinds.length + i, from: between.start + i, to: between.first + 2 * i })),
  ];
  return { tiled, between, tiles: Uint32Array.from([...tiles, 0]), turned: kinds.length, products };
}

/** How dx is cut into tiles; sizes in floats. */
const plan = remembered((geometry: ConvGeometry, shape: PaddedShape) => {
  const { inChannels, outChannels } = geometry;
  const [rows, columns] = [axisPlan(geometry.rows, shape.top), axisPlan(geometry.columns, shape.left)];
  const [line, lineOut] = [paddedWidth(shape) * outChannels, geometry.columns.input * inChannels];
  const [pitch, productPitch] = [columns.turned * outChannels + APART, columns.turned * inChannels + APART];
  const sizes = {
    turned: rows.turned * line, places: rows.products.length * pitch,
    sums: rows.turned * lineOut, products: rows.products.length * productPitch,
  };
  const images = imagesOf(sizes.turned + sizes.places + sizes.sums + sizes.products, inChannels, outChannels);
  const layout = filterLayout(KINDS, outChannels, inChannels);
  const tables = productTables(
    KINDS, layout, outChannels, images, rows.products, columns.products,
    (row, column) => {
      if (column.kind !== BETWEEN) return { at: row.place * pitch + column.place * outChannels, size: sizes.places, front: images * sizes.turned };
      if (row.kind !== BETWEEN) return { at: row.place * line + column.from * outChannels, size: sizes.turned };
      return { at: row.from * line + column.from * outChannels, size: imageFloats(shape) };
    },
    (row, column) => {
      if (column.kind !== BETWEEN) return { at: row.place * productPitch + column.place * inChannels, size: sizes.products, front: images * sizes.sums };
      if (row.kind !== BETWEEN) return { at: row.place * lineOut + column.to * inChannels, size: sizes.sums };
      return { at: row.to * lineOut + column.to * inChannels, size: geometry.rows.input * lineOut };
    },
  );
  return { images, rows, columns, down: rows.tiles, across: columns.tiles, layout, tables, pitch, productPitch, sizes };
});
