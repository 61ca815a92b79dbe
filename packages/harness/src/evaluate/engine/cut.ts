const LEAST_ROWS = 32;
const PARTS = 4;

/**
 * Cuts rows into jobs of even size: no more than `most` rows each, and a few jobs where there are rows enough, so that several
 * threads have work. It depends on the rows alone, never on how many threads there are.
 */
export function cutRows(rows: Int32Array, most: number): Int32Array[] {
  const parts = Math.max(Math.ceil(rows.length / most), Math.min(PARTS, Math.ceil(rows.length / LEAST_ROWS)));
  return Array.from({ length: parts }, (_, part) => rows.slice(Math.floor((part * rows.length) / parts), Math.floor(((part + 1) * rows.length) / parts)));
}
