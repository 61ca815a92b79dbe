import type { NativeFunctions } from './module.ts';

/** Which columns of a product assembly/dots.ts is faster for than the tiles of assembly/product.ts. */
const FEW = 3;
const PANEL = 8;
/** Rows of a tile of assembly/product.ts: other numbers of rows end with one that is partly computed twice. */
export const TILE_ROWS = 5;

/** A strided matrix in the heap: element (r, f) at `at + r * rowStep + f * columnStep`. */
export interface StridedMatrix {
  readonly at: number;
  readonly rows: number;
  readonly rowStep: number;
  readonly columnStep: number;
}

/** Floats that a packed right operand takes. */
export function packedSize(rows: number, columns: number): number {
  return columns <= FEW ? rows * columns : rows * Math.ceil(columns / PANEL) * PANEL;
}

/** Packs slices, one below the other, into a right operand of `columns` columns. */
export function pack(native: NativeFunctions, slices: readonly StridedMatrix[], columns: number, to: number): void {
  const rows = slices.reduce((sum, slice) => sum + slice.rows, 0);
  const few = columns <= FEW;
  let at = to;
  for (const slice of slices) {
    if (few) native.packColumns(slice.at, slice.rows, slice.rowStep, columns, slice.columnStep, at, rows * 4);
    else native.packPanels(slice.at, slice.rows, slice.rowStep, columns, slice.columnStep, at, rows * 4 * PANEL);
    at += slice.rows * 4 * (few ? 1 : PANEL);
  }
}

/** Columns that assembly/sparse-product.ts computes together. */
export const SPARSE_COLUMNS = 32;
/** Bytes of a strip of them for each row of a right operand. */
export const STRIP_STEP: number = SPARSE_COLUMNS * 4;

/** Strips of that many columns; the last may begin inside of the one before. */
export const stripCount = (columns: number): number => Math.ceil(columns / SPARSE_COLUMNS);

/** Packs a right operand of as many columns or more for assembly/sparse-product.ts. */
export function packStrips(native: NativeFunctions, { at, rows, rowStep, columnStep }: StridedMatrix, columns: number, to: number): void {
  for (let strip = 0; strip < stripCount(columns); strip++) {
    const column = Math.min(strip * SPARSE_COLUMNS, columns - SPARSE_COLUMNS);
    native.packStrip(at + column * columnStep, rows, rowStep, SPARSE_COLUMNS, columnStep, to + strip * rows * STRIP_STEP, STRIP_STEP);
  }
}

/** Gathered rows: see assembly/product.ts. Strides in bytes. */
export interface GatheredRows {
  readonly sources: number;
  readonly targets: number;
  readonly segments: number;
  readonly length: number;
  readonly pitch: number;
}

/** What a product ends with: the address of a bias packed as one row, 0 for none, and whether a ReLU. */
export interface PackedEnding {
  readonly bias: number;
  readonly rectified: boolean;
}

export const NOTHING: PackedEnding = { bias: 0, rectified: false };

/** Whether a product with this many columns can end as a layer does. */
export const endsInProduct = (columns: number): boolean => columns > FEW;

/** Product of the first `count` gathered rows of `a` with a packed operand, scattered into `c`. */
export function multiply(
  native: NativeFunctions, count: number, { sources, targets, segments, length, pitch }: GatheredRows, a: number, b: number, columns: number, c: number,
  { bias, rectified }: PackedEnding = NOTHING,
): void {
  if (columns <= FEW) native.dots(count, sources, targets, a, segments, length, pitch, b, columns, c);
  else native.product(count, sources, targets, a, segments, length, pitch, b, columns, c, bias, rectified);
}
