import { madd } from './madd';
import { ENTRY } from './nonzeros';

/*
 * Input gradient of a convolution whose filter has three rows and stride 2, where many output gradients are zero. A row o of dy reaches the
 * rows 2 o - before to 2 o - before + 2 of dx: the last of row o - 1, one that only it reaches, and the first of row o + 1. So going down a
 * column of dx each entry (nonzeros.ts) is read once for 12 multiply-adds, and a row of dx is stored when nothing more can come. Every
 * sum has the order of product.ts over a phase, so its bits are the same (sparse-product.ts says what is not).
 */

/** Channels of dx computed together: 12 sums, two vectors of the filter and one value fill the registers. */
const STRIP: i32 = 16;

/**
 * One phase of columns: column i of dx, at `targets[i]` in its row, takes `span` bytes of pixels' starts from `sources[i]` on in each row of
 * dy; `firsts[i]` is the offset of the first of them in its line. Rows of dy are `line` bytes of starts, images `image` bytes. `b`, for
 * `channels` in strips of 16: for each value of dy the filter's three rows, 192 bytes; the last strip may overlap the one before.
 */
export function sparseInputGradient(
  count: i32, starts: usize, image: usize, line: usize, rows: i32,
  columns: i32, sources: usize, firsts: usize, targets: usize, span: usize,
  b: usize, stripSize: usize, channels: i32, c: usize, imageOut: usize, lineOut: usize, rowsOut: i32, before: i32,
): void {
  const last = <usize>columns << 2;
  for (let channel = 0; channel < channels; channel += STRIP) {
    let from = starts;
    let to = c + (<usize>min(channel, channels - STRIP) << 2);
    for (let n = 0; n < count; n++) {
      for (let i: usize = 0; i < last; i += 4)
        column(from + load<u32>(sources + i), span, line, rows, b - load<u32>(firsts + i), to + load<u32>(targets + i), lineOut, rowsOut, -before);
      from += image;
      to += imageOut;
    }
    b += stripSize;
  }
}

/** `row`: the row of dx under the filter's first one. */
// Inlined, as V8 unrolls a loop the more often the deeper it lies, and looks for interrupts once in an iteration.
// @ts-ignore: decorator
@inline
function column(at: usize, span: usize, line: usize, rows: i32, b: usize, to: usize, lineOut: usize, rowsOut: i32, row: i32): void {
  let u0 = f32x4.splat(0), u1 = u0, u2 = u0, u3 = u0;
  for (let o = 0; o < rows; o++) {
    let v0 = f32x4.splat(0), v1 = v0, v2 = v0, v3 = v0;
    let w0 = v0, w1 = v0, w2 = v0, w3 = v0;
    const last = <usize>load<u32>(at + span);
    for (let entry = <usize>load<u32>(at); entry < last; entry += ENTRY) {
      const x = v128.load32_splat(entry);
      const w = b + load<u32>(entry, 4);
      u0 = madd(x, v128.load(w), u0);
      u1 = madd(x, v128.load(w, 16), u1);
      // Never, as in product.ts; one condition twice would be taken out.
      if (entry == 1) break;
      u2 = madd(x, v128.load(w, 32), u2);
      u3 = madd(x, v128.load(w, 48), u3);
      if (entry == 2) break;
      v0 = madd(x, v128.load(w, 64), v0);
      v1 = madd(x, v128.load(w, 80), v1);
      if (entry == 3) break;
      v2 = madd(x, v128.load(w, 96), v2);
      v3 = madd(x, v128.load(w, 112), v3);
      if (entry == 5) break;
      w0 = madd(x, v128.load(w, 128), w0);
      w1 = madd(x, v128.load(w, 144), w1);
      if (entry == 6) break;
      w2 = madd(x, v128.load(w, 160), w2);
      w3 = madd(x, v128.load(w, 176), w3);
    }
    put(to, lineOut, rowsOut, row, u0, u1, u2, u3);
    put(to, lineOut, rowsOut, row + 1, v0, v1, v2, v3);
    u0 = w0;
    u1 = w1;
    u2 = w2;
    u3 = w3;
    at += line;
    row += 2;
  }
  // What comes after it no row of dy reaches: zero.
  for (; row < rowsOut; row++) {
    put(to, lineOut, rowsOut, row, u0, u1, u2, u3);
    u0 = f32x4.splat(0);
    u1 = u0;
    u2 = u0;
    u3 = u0;
  }
}

/** Stores a row of dx if there is one. */
// @ts-ignore: decorator
@inline
function put(to: usize, lineOut: usize, rowsOut: i32, row: i32, s0: v128, s1: v128, s2: v128, s3: v128): void {
  if (<u32>row >= <u32>rowsOut) return;
  const at = to + <usize>row * lineOut;
  v128.store(at, s0);
  v128.store(at, s1, 16);
  v128.store(at, s2, 32);
  v128.store(at, s3, 48);
}
