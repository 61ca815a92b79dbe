import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { keptFor } from './kept-weights.ts';
import type { NativeFunctions } from './module.ts';
import { pack, packedSize } from './multiply.ts';
import type { Scratch } from './scratch.ts';
import type { TurnedFilter } from './winograd.ts';

/** Ways to take a filter along an axis: by tap 0, 1 or 2, or evaluated at a, -a or b; see assembly/strided-winograd.ts. */
const WAYS = 6;

/** What one product along an axis sums: the way for each summand. */
export type Summands = readonly number[];

/** Floats of a filter packed for all pairs of kinds of products along rows and columns, and where each pair's begin, row by row. */
export interface FilterLayout {
  readonly total: number;
  readonly starts: readonly number[];
}

export function filterLayout(kinds: readonly Summands[], channels: number, channelsOut: number): FilterLayout {
  let total = 0;
  const starts = kinds.flatMap((rows) =>
    kinds.map((columns) => {
      const start = total;
      total += packedSize(rows.length * columns.length * channels, channelsOut);
      return start;
    }),
  );
  return { total, starts };
}

/** The address of the filter transformed and packed. */
export function stridedFilter(
  native: NativeFunctions, backend: BackendWasm, scratch: Scratch, filter: TurnedFilter, channels: number, channelsOut: number,
  kinds: readonly Summands[], { total, starts }: FilterLayout,
): number {
  return keptFor(backend, filter.tensor, `strided ${channels} ${channelsOut} ${filter.turned}`, total, (to) => {
    const plane = channels * channelsOut * 4;
    const planes = scratch.floats(WAYS * WAYS * channels * channelsOut);
    native.stridedFilter(filter.at, filter.down, filter.across, channels, filter.rowStep, channelsOut, filter.columnStep, planes, plane);
    kinds.forEach((rows, i) =>
      kinds.forEach((columns, j) => {
        const slices = rows.flatMap((row) =>
          columns.map((column) => ({ at: planes + (WAYS * row + column) * plane, rows: channels, rowStep: channelsOut * 4, columnStep: 4 })),
        );
        pack(native, slices, channelsOut, to + starts[i * kinds.length + j]! * 4);
      }),
    );
  });
}
