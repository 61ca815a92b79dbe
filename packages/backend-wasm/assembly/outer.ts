import { addColumns, PANEL } from './columns';
import { madd } from './madd';

/*
 * Sums of outer products: c[s, j, f] += sum over pixels of a[pixel + s * pitch + j] b[pixel, f]. With a padded image for a and an
 * output gradient for b that is a filter gradient (one s a filter row, j its columns and channels); with s = 1 it is a matrix
 * product whose left operand is transposed.
 *
 * Pixels are taken in blocks that fit the first-level cache, for every tile of 4 j by 8 f passes over them again. A block's sum
 * starts from zero and is then added to c: shorter chains round less than one sum over everything, and the order is fixed.
 */

/** Pixels in a block. */
const BLOCK: i32 = 192;

export function outer(
  rows: i32, columns: i32,
  a: usize, rowA: usize, stepA: usize,
  b: usize, rowB: usize, stepB: usize,
  segments: i32, length: i32, pitch: usize, count: i32, c: usize,
): void {
  if (columns == 0) return;
  const rowsAtOnce = max(1, BLOCK / columns);
  for (let row = 0; row < rows; row += rowsAtOnce) {
    const height = min(rowsAtOnce, rows - row);
    for (let segment = 0; segment < segments; segment++) {
      const from = a + <usize>row * rowA + <usize>segment * pitch;
      const to = c + (<usize>(segment * length * count) << 2);
      block(height, columns, from, rowA, stepA, b + <usize>row * rowB, rowB, stepB, length, count, to);
    }
  }
}

function block(
  rows: i32, columns: i32,
  a: usize, rowA: usize, stepA: usize,
  b: usize, rowB: usize, stepB: usize,
  length: i32, count: i32, c: usize,
): void {
  for (let f = 0; f < count; f += PANEL) {
    const width = min(PANEL, count - f);
    for (let j = 0; j < length; j += 4) {
      // The last tile overlaps the one before and leaves out what that has added.
      const start = max(0, min(j, length - 4));
      const to = c + (<usize>(start * count + f) << 2);
      tile(rows, columns, a + (<usize>start << 2), rowA, stepA, b + (<usize>f << 2), rowB, stepB, j - start, min(4, length), width, to, <usize>count << 2);
    }
  }
}

function tile(
  rows: i32, columns: i32,
  a: usize, rowA: usize, stepA: usize,
  b: usize, rowB: usize, stepB: usize,
  first: i32, last: i32, width: i32, c: usize, rowC: usize,
): void {
  let l0 = f32x4.splat(0), l1 = l0, l2 = l0, l3 = l0;
  let h0 = l0, h1 = l0, h2 = l0, h3 = l0;
  const skipA = rowA - <usize>columns * stepA;
  const skipB = rowB - <usize>columns * stepB;
  for (let row = 0; row < rows; row++) {
    const end = a + <usize>columns * stepA;
    while (a < end) {
      const low = v128.load(b);
      const high = v128.load(b, 16);
      const x0 = v128.load32_splat(a);
      l0 = madd(x0, low, l0);
      h0 = madd(x0, high, h0);
      const x1 = v128.load32_splat(a, 4);
      l1 = madd(x1, low, l1);
      h1 = madd(x1, high, h1);
      const x2 = v128.load32_splat(a, 8);
      l2 = madd(x2, low, l2);
      h2 = madd(x2, high, h2);
      const x3 = v128.load32_splat(a, 12);
      l3 = madd(x3, low, l3);
      h3 = madd(x3, high, h3);
      a += stepA;
      b += stepB;
    }
    a += skipA;
    b += skipB;
  }
  if (first <= 0) addColumns(c, l0, h0, width);
  if (first <= 1 && last > 1) addColumns(c + rowC, l1, h1, width);
  if (first <= 2 && last > 2) addColumns(c + 2 * rowC, l2, h2, width);
  if (last > 3) addColumns(c + 3 * rowC, l3, h3, width);
}
