import type { Gallery } from './gallery.ts';

// Squared distances this close are a tie: float32 products and double sums may order them either way.
const TIE = 1e-5;

/** A gallery as plain numbers. */
export type PlainGallery = Pick<Gallery, 'values' | 'dimensions' | 'labels'>;

/** What plain arithmetic says of a query. */
export interface PlainVerdict {
  /** Gallery row that is nearest, the own copy left out; the first of equals. */
  readonly nearest: number;
  /** Whether it is of another class. */
  readonly lost: boolean;
  /** Nearest of the own and of another class are equally near, but for rounding. */
  readonly tie: boolean;
}

/**
 * Looks a query up in double precision, row by row: nothing of the code that attacks judge by is used, so that an error there cannot hide here.
 *
 * @param own gallery row of its clean copy.
 */
export function lookUp(query: Float32Array, gallery: PlainGallery, own: number): PlainVerdict {
  const { labels } = gallery;
  let [nearest, least] = [-1, Infinity];
  const closest = { same: Infinity, other: Infinity };
  for (let row = 0; row < labels.length; row++) {
    if (row === own) continue;
    const squared = squaredDistance(query, gallery, row);
    if (squared < least) [nearest, least] = [row, squared];
    const kind = labels[row] === labels[own] ? 'same' : 'other';
    closest[kind] = Math.min(closest[kind], squared);
  }
  return { nearest, lost: labels[nearest] !== labels[own], tie: Math.abs(closest.same - closest.other) <= TIE };
}

/** Some gallery rows, nearest to a query first; equally near ones in the order of their places. */
export function byDistance(query: Float32Array, gallery: PlainGallery, rows: readonly number[]): number[] {
  const distances = new Map(rows.map((row) => [row, squaredDistance(query, gallery, row)]));
  return [...rows].sort((a, b) => distances.get(a)! - distances.get(b)! || a - b);
}

function squaredDistance(query: Float32Array, { values, dimensions }: PlainGallery, row: number): number {
  let squared = 0;
  for (let k = 0; k < dimensions; k++) squared += (query[k]! - values[row * dimensions + k]!) ** 2;
  return squared;
}
