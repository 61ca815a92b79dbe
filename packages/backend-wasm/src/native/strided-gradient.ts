import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { ConvAxis, ConvGeometry } from '../kernels/conv-geometry.ts';
import { imageFloats, loader, type PaddedShape, paddedWidth } from './images.ts';
import type { NativeFunctions } from './module.ts';
import { remembered } from './remembered.ts';
import type { Scratch } from './scratch.ts';
import { stridedFilter, type Summands } from './strided-filter.ts';
import { APART, grouped, imagesOf, tileSizes } from './strided-products.ts';
import { redo, type SmallConvolution } from './winograd.ts';

/**
 * The input gradient of a convolution for {@link isForStridedWinograd}, by the transforms of assembly/strided-gradient.ts. The
 * convolution given is that of dy: its images are dy, its results are dx.
 */
export const stridedGradient = (geometry: ConvGeometry) => (
  native: NativeFunctions, backend: BackendWasm, scratch: Scratch, convolution: SmallConvolution,
  direct: (example: number) => void, values: () => Float32Array,
): void => {
  const { batch, shape, height, width, channelsOut, from, to, filter } = convolution;
  const { channels } = shape;
  const { images, rows, columns, down, across, groups, offsets, pitch, productPitch, sizes } = plan({ ...geometry, batch: 0 }, shape);
  const load = loader(native, scratch, from, shape, images);
  const packed = stridedFilter(native, backend, scratch, filter, channels, channelsOut, KINDS);
  const [turned, places, sums, products] = [sizes.turned, sizes.places, sizes.sums, sizes.products].map((size) => scratch.floats(images * size)) as [number, number, number, number];
  const [rowTiles, columnTiles, table] = [scratch.table(down), scratch.table(across), scratch.table(offsets)];
  // The last group reads dy itself and writes dx.
  const [plain, transformed] = [groups.at(-1)!, groups.slice(0, -1)];
  const list = transformed.flatMap(({ row, column, number, sources, targets }) => [
    number, table + sources, table + targets, column === BETWEEN ? turned : places, 1, channels, packed(row, column), column === BETWEEN ? sums : products,
  ]);
  const listed = scratch.table(Uint32Array.from(list));
  const [line, lineOut, imageSize] = [paddedWidth(shape) * channels * 4, width * channelsOut * 4, height * width * channelsOut];
  for (let n = 0; n < batch; n += images) {
    const count = Math.min(images, batch - n);
    const [dy, dx] = [load(n, count), to + n * imageSize * 4];
    native.stridedGradientInput(
      count, dy, imageFloats(shape) * 4, line, channels, rowTiles, columnTiles,
      rows.tiled.start * line, rows.between.start * line, rows.between.number, columns.tiled.start * channels * 4, turned, places, pitch * 4,
    );
    native.products(transformed.length, listed, count, 0, channelsOut);
    native.product(count * plain.number, table + plain.sources, table + plain.targets, dy, 1, channels, 0, packed(BETWEEN, BETWEEN), channelsOut, dx);
    const finite = native.stridedGradientOutput(
      count, products, productPitch * 4, channelsOut, rowTiles, columnTiles,
      rows.tiled.first * lineOut, rows.between.first * lineOut, rows.between.number, columns.tiled.first * channelsOut * 4, sums, dx, imageSize * 4, lineOut,
    );
    if (!finite) redo(n, count, imageSize, direct, values);
  }
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
  const { groups, offsets } = grouped(
    KINDS.length, rows.products, columns.products, images,
    (row, column) => {
      if (column.kind !== BETWEEN) return [row.place * pitch + column.place * outChannels, sizes.places];
      if (row.kind !== BETWEEN) return [row.place * line + column.from * outChannels, sizes.turned];
      return [row.from * line + column.from * outChannels, imageFloats(shape)];
    },
    (row, column) => {
      if (column.kind !== BETWEEN) return [row.place * productPitch + column.place * inChannels, sizes.products];
      if (row.kind !== BETWEEN) return [row.place * lineOut + column.to * inChannels, sizes.sums];
      return [row.to * lineOut + column.to * inChannels, geometry.rows.input * lineOut];
    },
  );
  return { images, rows, columns, down: rows.tiles, across: columns.tiles, groups, offsets, pitch, productPitch, sizes };
});
