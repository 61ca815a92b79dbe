import { madd } from './madd';
import { ENTRY } from './nonzeros';
import { rectify } from './relu';

/*
 * The product of product.ts where many values of the left operand are zero: row r takes the entries (nonzeros.ts) of `span` bytes of
 * pixels' starts from `starts + sources[r]` on, in `segments` lines, `pitch` bytes apart. A sum has the same terms in the same order but for
 * those that are zero, so its bits are those of product.ts; only where a sum is nothing but underflow can the sign of a zero differ.
 *
 * One row by 32 columns: eight sums are as many chains as hide the latency of a multiply-add, and each row leaves out its own zeros. `b` has
 * strips of 32 columns, 128 bytes a value of the row; `firsts[r]` is the offset of the row's first pixel in its line. Of columns
 * beyond a multiple of 32 the last strip takes those before them again.
 */

const STRIP: i32 = 32;

export function sparseProduct(
  rows: i32, sources: usize, firsts: usize, targets: usize, starts: usize,
  segments: i32, span: usize, pitch: usize, segmentSize: usize,
  b: usize, columns: i32, c: usize, bias: usize, rectified: bool,
): void {
  for (let column = 0; column < columns; column += STRIP) {
    const at = <usize>min(column, columns - STRIP) << 2;
    strip(rows, sources, firsts, targets, starts, segments, span, pitch, segmentSize, b, c + at, bias == 0 ? 0 : bias + at, rectified);
    b += <usize>segments * segmentSize;
  }
}

// Inlined: see sparse-input-gradient.ts.
// @ts-ignore: decorator
@inline
function strip(
  rows: i32, sources: usize, firsts: usize, targets: usize, starts: usize,
  segments: i32, span: usize, pitch: usize, segmentSize: usize,
  b: usize, c: usize, bias: usize, rectified: bool,
): void {
  const end = <usize>rows << 2;
  for (let row: usize = 0; row < end; row += 4) {
    let at = starts + load<u32>(sources + row);
    let segment = b - load<u32>(firsts + row);
    let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
    for (let i = 0; i < segments; i++) {
      const last = <usize>load<u32>(at + span);
      for (let entry = <usize>load<u32>(at); entry < last; entry += ENTRY) {
        const x = v128.load32_splat(entry);
        const w = segment + load<u32>(entry, 4);
        s0 = madd(x, v128.load(w), s0);
        s1 = madd(x, v128.load(w, 16), s1);
        s2 = madd(x, v128.load(w, 32), s2);
        s3 = madd(x, v128.load(w, 48), s3);
        // Never: see product.ts.
        if (entry == 1) break;
        s4 = madd(x, v128.load(w, 64), s4);
        s5 = madd(x, v128.load(w, 80), s5);
        s6 = madd(x, v128.load(w, 96), s6);
        s7 = madd(x, v128.load(w, 112), s7);
      }
      at += pitch;
      segment += segmentSize;
    }
    if (bias != 0) {
      s0 = f32x4.add(s0, v128.load(bias));
      s1 = f32x4.add(s1, v128.load(bias, 16));
      s2 = f32x4.add(s2, v128.load(bias, 32));
      s3 = f32x4.add(s3, v128.load(bias, 48));
      s4 = f32x4.add(s4, v128.load(bias, 64));
      s5 = f32x4.add(s5, v128.load(bias, 80));
      s6 = f32x4.add(s6, v128.load(bias, 96));
      s7 = f32x4.add(s7, v128.load(bias, 112));
    }
    if (rectified) {
      s0 = rectify(s0);
      s1 = rectify(s1);
      s2 = rectify(s2);
      s3 = rectify(s3);
      s4 = rectify(s4);
      s5 = rectify(s5);
      s6 = rectify(s6);
      s7 = rectify(s7);
    }
    const to = c + load<u32>(targets + row);
    v128.store(to, s0);
    v128.store(to, s1, 16);
    v128.store(to, s2, 32);
    v128.store(to, s3, 48);
    v128.store(to, s4, 64);
    v128.store(to, s5, 80);
    v128.store(to, s6, 96);
    v128.store(to, s7, 112);
  }
}
