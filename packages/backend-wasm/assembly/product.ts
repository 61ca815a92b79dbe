import { PANEL, storeColumns } from './columns';
import { madd } from './madd';

/*
 * Rows times a packed matrix, the rows being gathered: row r of the left operand is `segments` stretches of `length` values,
 * `pitch` bytes apart, the first at a + sources[r]. A convolution's window over a padded NHWC image is exactly that (one
 * stretch a filter row: its columns and channels lie side by side), a matrix's row is one stretch. Row r of the result goes to
 * c + targets[r].
 *
 * A tile of 4 rows by 8 columns keeps its 8 sums in registers: enough independent chains to hide the latency of a
 * multiply-add, 6 loads for 8 of them. Larger tiles and unrolled loops load less, but V8 then spills sums to the stack and
 * halves the speed (measured on Node 20: 54 GFLOP/s against 25). Every element is one sum in the order of the stretches,
 * whatever tile computes it, so its bits do not depend on its neighbours.
 */

/** Bytes of one row of a panel. */
const STEP: usize = 32;

/** Rows of a tile. */
const TILE: i32 = 4;

export function product(
  rows: i32, sources: usize, targets: usize, a: usize,
  segments: i32, length: i32, pitch: usize,
  b: usize, columns: i32, c: usize,
): void {
  const panelSize = <usize>(segments * length) * STEP;
  for (let column = 0; column < columns; column += PANEL) {
    panel(rows, sources, targets, a, segments, length, pitch, b, min(PANEL, columns - column), c + (<usize>column << 2));
    b += panelSize;
  }
}

/**
 * Several products for each of `images` images. `list` has six integers a product: rows in one image, where sources and targets begin
 * in `table`, segments, length, and where in `b` the right operand begins.
 */
export function products(count: i32, list: usize, table: usize, images: i32, pitch: usize, a: usize, b: usize, columns: i32, c: usize): void {
  for (const end = list + 24 * <usize>count; list < end; list += 24) {
    const sources = table + load<u32>(list, 4), targets = table + load<u32>(list, 8);
    product(images * load<i32>(list), sources, targets, a, load<i32>(list, 12), load<i32>(list, 16), pitch, b + load<u32>(list, 20), columns, c);
  }
}

function panel(
  rows: i32, sources: usize, targets: usize, a: usize,
  segments: i32, length: i32, pitch: usize,
  b: usize, count: i32, c: usize,
): void {
  if (rows < TILE) {
    for (let row = 0; row < rows; row++) {
      const at = <usize>row << 2;
      tile1(a + load<u32>(sources + at), segments, length, pitch, b, count, c + load<u32>(targets + at));
    }
    return;
  }
  // The last tile overlaps the one before: it computes the same bits again, which is cheaper than row by row.
  for (let row = 0; row < rows; row += TILE) {
    const at = <usize>min(row, rows - TILE) << 2;
    tile4(sources + at, targets + at, a, segments, length, pitch, b, count, c);
  }
}

function tile1(a: usize, segments: i32, length: i32, pitch: usize, b: usize, count: i32, c: usize): void {
  let low = f32x4.splat(0);
  let high = low;
  for (let segment = 0; segment < segments; segment++) {
    const end = a + (<usize>length << 2);
    for (let at = a; at < end; at += 4) {
      const x = v128.load32_splat(at);
      low = madd(x, v128.load(b), low);
      high = madd(x, v128.load(b, 16), high);
      b += STEP;
    }
    a += pitch;
  }
  storeColumns(c, low, high, count);
}

function tile4(sources: usize, targets: usize, a: usize, segments: i32, length: i32, pitch: usize, b: usize, count: i32, c: usize): void {
  let a0 = a + load<u32>(sources);
  let a1 = a + load<u32>(sources, 4);
  let a2 = a + load<u32>(sources, 8);
  let a3 = a + load<u32>(sources, 12);
  let l0 = f32x4.splat(0), l1 = l0, l2 = l0, l3 = l0;
  let h0 = l0, h1 = l0, h2 = l0, h3 = l0;
  const skip = pitch - (<usize>length << 2);
  for (let segment = 0; segment < segments; segment++) {
    const end = a0 + (<usize>length << 2);
    while (a0 < end) {
      const low = v128.load(b);
      const high = v128.load(b, 16);
      const x0 = v128.load32_splat(a0);
      l0 = madd(x0, low, l0);
      h0 = madd(x0, high, h0);
      const x1 = v128.load32_splat(a1);
      l1 = madd(x1, low, l1);
      h1 = madd(x1, high, h1);
      const x2 = v128.load32_splat(a2);
      l2 = madd(x2, low, l2);
      h2 = madd(x2, high, h2);
      const x3 = v128.load32_splat(a3);
      l3 = madd(x3, low, l3);
      h3 = madd(x3, high, h3);
      a0 += 4;
      a1 += 4;
      a2 += 4;
      a3 += 4;
      b += STEP;
    }
    a0 += skip;
    a1 += skip;
    a2 += skip;
    a3 += skip;
  }
  storeColumns(c + load<u32>(targets), l0, h0, count);
  storeColumns(c + load<u32>(targets, 4), l1, h1, count);
  storeColumns(c + load<u32>(targets, 8), l2, h2, count);
  storeColumns(c + load<u32>(targets, 12), l3, h3, count);
}
