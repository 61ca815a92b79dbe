import type { FilterLayout, Summands } from './strided-filter.ts';

/** Tables for `products` of assembly/product.ts. */
export interface ProductTables {
  readonly table: Uint32Array;
  /** How many products, and where in the table, in bytes, their list begins. */
  readonly count: number;
  readonly list: number;
}

/** A place in one image, the floats of an image, and those in front of the first one. */
interface Place {
  readonly at: number;
  readonly size: number;
  readonly front?: number;
}

/**
 * Products of the same kinds along rows and columns, which share a filter plane, listed together for a block of images: by kinds, then
 * image by image.
 */
export function productTables<P extends { readonly kind: number }>(
  kinds: readonly Summands[], filter: FilterLayout, channels: number, images: number,
  rows: readonly P[], columns: readonly P[], source: (row: P, column: P) => Place, target: (row: P, column: P) => Place,
): ProductTables {
  const [table, list]: [number[], number[]] = [[], []];
  kinds.forEach((rowSummands, row) =>
    kinds.forEach((columnSummands, column) => {
      const across = columns.filter(({ kind }) => kind === column);
      const pairs = rows.filter(({ kind }) => kind === row).flatMap((r) => across.map((c) => [r, c] as const));
      if (pairs.length === 0) return;
      const append = (place: (r: P, c: P) => Place): number => {
        const start = table.length * 4;
        for (let n = 0; n < images; n++)
          for (const [r, c] of pairs) {
            const { at, size, front = 0 } = place(r, c);
            table.push((front + n * size + at) * 4);
          }
        return start;
      };
      const start = filter.starts[row * kinds.length + column]! * 4;
      list.push(pairs.length, append(source), append(target), rowSummands.length, columnSummands.length * channels, start);
    }),
  );
  return { table: Uint32Array.from([...table, ...list]), count: list.length / 6, list: table.length * 4 };
}

/** Sizes of the tiles of an axis: as few of at most 4 as there can be, and as equal. */
export function tileSizes(size: number): number[] {
  const tiles = Math.ceil(size / 4);
  return Array.from({ length: tiles }, (_, i) => Math.ceil((size - i) / tiles));
}

/** Floats between rows of places: at distances of a power of two all would compete for the same few lines of the first-level cache. */
export const APART = 16;
/** Floats of a block's places and products: they should stay in the second-level cache. */
const FLOATS_AT_ONCE = 98_304;

/** Images in a block: of larger filters more, for each block reads the whole filter. */
export function imagesOf(floats: number, channels: number, channelsOut: number): number {
  return Math.max(1, Math.floor(Math.max(FLOATS_AT_ONCE, 32 * channels * channelsOut) / floats));
}
