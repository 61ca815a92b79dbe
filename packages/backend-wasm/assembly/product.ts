import { PANEL, storeColumns } from './columns';
import { madd } from './madd';
import { rectify } from './relu';

/*
 * Rows times a packed matrix, the rows being gathered: row r of the left operand is `segments` stretches of `length` values,
 * `pitch` bytes apart, the first at a + sources[r]. A convolution's window over a padded NHWC image is exactly that (one
 * stretch a filter row: its columns and channels lie side by side), a matrix's row is one stretch. Row r of the result goes to
 * c + targets[r].
 *
 * A tile of 5 rows by 8 columns keeps its 10 sums in registers: enough independent chains to hide the latency of a multiply-add,
 * 7 loads for 10 of them. V8 moves the loads of a block before its multiply-adds, and all 7 beside the sums are more than there are
 * registers. So a branch that is never taken, at which all sums are alive, parts the block in two (measured on Node 20, GFLOP/s: 58 so,
 * 52 with 4 rows in one block, 25 to 45 where sums are spilled to the stack). Without relaxed SIMD products take registers too, and two
 * more branches (44 instead of 39). One condition twice would be taken out. Every element is one sum in the order of the stretches,
 * whatever tile computes it, so its bits do not depend on its neighbours.
 *
 * What a linear layer ends with is done before a sum is stored: a bias is added, eight values a panel (at 0 there is none), and
 * if asked for, what is below zero becomes zero.
 */

/** Bytes of one row of a panel. */
const STEP: usize = 32;

/** Rows of a tile. */
const TILE: i32 = 5;

export function product(
  rows: i32, sources: usize, targets: usize, a: usize,
  segments: i32, length: i32, pitch: usize,
  b: usize, columns: i32, c: usize, bias: usize, rectified: bool,
): void {
  const panelSize = <usize>(segments * length) * STEP;
  for (let column = 0; column < columns; column += PANEL) {
    panel(rows, sources, targets, a, segments, length, pitch, b, min(PANEL, columns - column), c + (<usize>column << 2), bias, rectified);
    b += panelSize;
    if (bias != 0) bias += STEP;
  }
}

function panel(
  rows: i32, sources: usize, targets: usize, a: usize,
  segments: i32, length: i32, pitch: usize,
  b: usize, count: i32, c: usize, bias: usize, rectified: bool,
): void {
  if (rows == 1) {
    tile1(a + load<u32>(sources), segments, length, pitch, b, count, c + load<u32>(targets), bias, rectified);
    return;
  }
  // The last tile overlaps the one before, and one of few rows takes its last row again: the same bits, cheaper than row by row.
  for (let row = 0; row < rows; row += TILE) {
    const at = <usize>max(min(row, rows - TILE), 0) << 2;
    tile5(sources + at, targets + at, min(rows, TILE) - 1, a, segments, length, pitch, b, count, c, bias, rectified);
  }
}

function tile1(a: usize, segments: i32, length: i32, pitch: usize, b: usize, count: i32, c: usize, bias: usize, rectified: bool): void {
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
  if (bias != 0) {
    low = f32x4.add(low, v128.load(bias));
    high = f32x4.add(high, v128.load(bias, 16));
  }
  if (rectified) {
    low = rectify(low);
    high = rectify(high);
  }
  storeColumns(c, low, high, count);
}

/** Rows beyond the `last` are the last again. */
// @ts-ignore: decorator
@inline
function tile5(
  sources: usize, targets: usize, last: i32, a: usize, segments: i32, length: i32, pitch: usize,
  b: usize, count: i32, c: usize, bias: usize, rectified: bool,
): void {
  const r2 = <usize>min(last, 2) << 2, r3 = <usize>min(last, 3) << 2, r4 = <usize>min(last, 4) << 2;
  let a0 = a + load<u32>(sources);
  let a1 = a + load<u32>(sources, 4);
  let a2 = a + load<u32>(sources + r2);
  let a3 = a + load<u32>(sources + r3);
  let a4 = a + load<u32>(sources + r4);
  let l0 = f32x4.splat(0), l1 = l0, l2 = l0, l3 = l0, l4 = l0;
  let h0 = l0, h1 = l0, h2 = l0, h3 = l0, h4 = l0;
  const skip = pitch - (<usize>length << 2);
  for (let segment = 0; segment < segments; segment++) {
    const end = a0 + (<usize>length << 2);
    while (a0 < end) {
      const low = v128.load(b);
      const high = v128.load(b, 16);
      const x0 = v128.load32_splat(a0);
      l0 = madd(x0, low, l0);
      h0 = madd(x0, high, h0);
      if (!ASC_FEATURE_RELAXED_SIMD && a0 == 2) break;
      const x1 = v128.load32_splat(a1);
      l1 = madd(x1, low, l1);
      h1 = madd(x1, high, h1);
      if (!ASC_FEATURE_RELAXED_SIMD && a0 == 3) break;
      const x2 = v128.load32_splat(a2);
      l2 = madd(x2, low, l2);
      h2 = madd(x2, high, h2);
      // Never: addresses are multiples of 4.
      if (a0 == 1) break;
      const x3 = v128.load32_splat(a3);
      l3 = madd(x3, low, l3);
      h3 = madd(x3, high, h3);
      const x4 = v128.load32_splat(a4);
      l4 = madd(x4, low, l4);
      h4 = madd(x4, high, h4);
      a0 += 4;
      a1 += 4;
      a2 += 4;
      a3 += 4;
      a4 += 4;
      b += STEP;
    }
    a0 += skip;
    a1 += skip;
    a2 += skip;
    a3 += skip;
    a4 += skip;
  }
  if (bias != 0) {
    const low = v128.load(bias), high = v128.load(bias, 16);
    l0 = f32x4.add(l0, low);
    h0 = f32x4.add(h0, high);
    l1 = f32x4.add(l1, low);
    h1 = f32x4.add(h1, high);
    l2 = f32x4.add(l2, low);
    h2 = f32x4.add(h2, high);
    l3 = f32x4.add(l3, low);
    h3 = f32x4.add(h3, high);
    l4 = f32x4.add(l4, low);
    h4 = f32x4.add(h4, high);
  }
  if (rectified) {
    l0 = rectify(l0);
    h0 = rectify(h0);
    l1 = rectify(l1);
    h1 = rectify(h1);
    l2 = rectify(l2);
    h2 = rectify(h2);
    l3 = rectify(l3);
    h3 = rectify(h3);
    l4 = rectify(l4);
    h4 = rectify(h4);
  }
  const c0 = c + load<u32>(targets);
  const c1 = c + load<u32>(targets, 4);
  const c2 = c + load<u32>(targets + r2);
  const c3 = c + load<u32>(targets + r3);
  const c4 = c + load<u32>(targets + r4);
  if (count == PANEL) {
    v128.store(c0, l0);
    v128.store(c0, h0, 16);
    v128.store(c1, l1);
    v128.store(c1, h1, 16);
    v128.store(c2, l2);
    v128.store(c2, h2, 16);
    v128.store(c3, l3);
    v128.store(c3, h3, 16);
    v128.store(c4, l4);
    v128.store(c4, h4, 16);
    return;
  }
  storeColumns(c0, l0, h0, count);
  storeColumns(c1, l1, h1, count);
  storeColumns(c2, l2, h2, count);
  storeColumns(c3, l3, h3, count);
  storeColumns(c4, l4, h4, count);
}
