/** Products of the same kind along rows and along columns: rows of one operand against the same filter plane. */
export interface Group {
  readonly row: number;
  readonly column: number;
  /** Products in one image. */
  readonly number: number;
  /** Where the lists of the operands' and results' places begin among the offsets, in bytes. */
  readonly sources: number;
  readonly targets: number;
}

/** A place in an image and the size of that image, in floats. */
type Placed = readonly [at: number, size: number];

/** Groups products along rows and columns by their kinds, below `kinds`, with byte offsets for a block of images, image by image. */
export function grouped<P extends { readonly kind: number }>(
  kinds: number, rows: readonly P[], columns: readonly P[], images: number, source: (row: P, column: P) => Placed, target: (row: P, column: P) => Placed,
): { groups: Group[]; offsets: Uint32Array } {
  const groups: Group[] = [];
  const offsets: number[] = [];
  for (let row = 0; row < kinds; row++)
    for (let column = 0; column < kinds; column++) {
      const across = columns.filter(({ kind }) => kind === column);
      const pairs = rows.filter(({ kind }) => kind === row).flatMap((r) => across.map((c) => [r, c] as const));
      if (pairs.length === 0) continue;
      const list = (place: (r: P, c: P) => Placed): number => {
        const start = offsets.length * 4;
        for (let n = 0; n < images; n++)
          for (const [r, c] of pairs) {
            const [at, size] = place(r, c);
            offsets.push((n * size + at) * 4);
          }
        return start;
      };
      groups.push({ row, column, number: pairs.length, sources: list(source), targets: list(target) });
    }
  return { groups, offsets: Uint32Array.from(offsets) };
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
