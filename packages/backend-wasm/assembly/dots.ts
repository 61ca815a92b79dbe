import { dot8, EIGHT, total } from './dot8';
import { madd } from './madd';

/*
 * The product of product.ts for few columns, where tiles of eight columns would mostly be empty: lanes run along the sum
 * instead, and `b` holds each column's values one after the other. The four partial sums are added in one fixed way and what a
 * stretch has beyond a multiple of four goes into a fifth, so again every element's bits are its own.
 */

export function dots(
  rows: i32, sources: usize, targets: usize, a: usize,
  segments: i32, length: i32, pitch: usize,
  b: usize, columns: i32, c: usize,
): void {
  const size = <usize>(segments * length) << 2;
  if (columns == 3) {
    let row = 0;
    for (; row + 3 <= rows; row += 3) {
      const at = <usize>row << 2;
      dot3x3(sources + at, targets + at, a, segments, length, pitch, b, c, size);
    }
    const at = <usize>row << 2;
    for (let column: usize = 0; column < 3; column++) oneColumn(rows - row, sources + at, targets + at, a, segments, length, pitch, b + column * size, c + 4 * column);
    return;
  }
  for (let column = 0; column < columns; column++) {
    oneColumn(rows, sources, targets, a, segments, length, pitch, b, c);
    b += size;
    c += 4;
  }
}

function oneColumn(rows: i32, sources: usize, targets: usize, a: usize, segments: i32, length: i32, pitch: usize, b: usize, c: usize): void {
  if ((length & 3) == 0 && rows >= EIGHT) {
    // The last eight overlap those before: the same bits.
    for (let row = 0; row < rows; row += EIGHT) {
      const at = <usize>min(row, rows - EIGHT) << 2;
      dot8(sources + at, targets + at, a, segments, length, pitch, b, c);
    }
    return;
  }
  let row = 0;
  for (; row + 4 <= rows; row += 4) {
    const at = <usize>row << 2;
    dot4(sources + at, targets + at, a, segments, length, pitch, b, c);
  }
  for (; row < rows; row++) {
    const at = <usize>row << 2;
    dot1(a + load<u32>(sources + at), segments, length, pitch, b, c + load<u32>(targets + at));
  }
}

function dot1(a: usize, segments: i32, length: i32, pitch: usize, b: usize, c: usize): void {
  let sums = f32x4.splat(0);
  let rest = sums;
  for (let segment = 0; segment < segments; segment++) {
    const whole = a + (<usize>(length & ~3) << 2);
    const end = a + (<usize>length << 2);
    let at = a;
    for (; at < whole; at += 16) {
      sums = madd(v128.load(at), v128.load(b), sums);
      b += 16;
    }
    for (; at < end; at += 4) {
      rest = madd(v128.load32_zero(at), v128.load32_zero(b), rest);
      b += 4;
    }
    a += pitch;
  }
  store<f32>(c, total(sums, rest));
}

function dot4(sources: usize, targets: usize, a: usize, segments: i32, length: i32, pitch: usize, b: usize, c: usize): void {
  let a0 = a + load<u32>(sources);
  let a1 = a + load<u32>(sources, 4);
  let a2 = a + load<u32>(sources, 8);
  let a3 = a + load<u32>(sources, 12);
  let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
  let r0 = s0, r1 = s0, r2 = s0, r3 = s0;
  const skip = pitch - (<usize>length << 2);
  for (let segment = 0; segment < segments; segment++) {
    const whole = a0 + (<usize>(length & ~3) << 2);
    const end = a0 + (<usize>length << 2);
    while (a0 < whole) {
      const y = v128.load(b);
      s0 = madd(v128.load(a0), y, s0);
      s1 = madd(v128.load(a1), y, s1);
      s2 = madd(v128.load(a2), y, s2);
      s3 = madd(v128.load(a3), y, s3);
      a0 += 16;
      a1 += 16;
      a2 += 16;
      a3 += 16;
      b += 16;
    }
    while (a0 < end) {
      const y = v128.load32_zero(b);
      r0 = madd(v128.load32_zero(a0), y, r0);
      r1 = madd(v128.load32_zero(a1), y, r1);
      r2 = madd(v128.load32_zero(a2), y, r2);
      r3 = madd(v128.load32_zero(a3), y, r3);
      a0 += 4;
      a1 += 4;
      a2 += 4;
      a3 += 4;
      b += 4;
    }
    a0 += skip;
    a1 += skip;
    a2 += skip;
    a3 += skip;
  }
  store<f32>(c + load<u32>(targets), total(s0, r0));
  store<f32>(c + load<u32>(targets, 4), total(s1, r1));
  store<f32>(c + load<u32>(targets, 8), total(s2, r2));
  store<f32>(c + load<u32>(targets, 12), total(s3, r3));
}

/** Three rows by the three columns of a colour image: 6 loads for 9 multiply-adds. */
function dot3x3(sources: usize, targets: usize, a: usize, segments: i32, length: i32, pitch: usize, b: usize, c: usize, size: usize): void {
  let a0 = a + load<u32>(sources);
  let a1 = a + load<u32>(sources, 4);
  let a2 = a + load<u32>(sources, 8);
  const b1 = size, b2 = 2 * size;
  const none = f32x4.splat(0);
  let s00 = none, s01 = none, s02 = none, r00 = none, r01 = none, r02 = none;
  let s10 = none, s11 = none, s12 = none, r10 = none, r11 = none, r12 = none;
  let s20 = none, s21 = none, s22 = none, r20 = none, r21 = none, r22 = none;
  const skip = pitch - (<usize>length << 2);
  for (let segment = 0; segment < segments; segment++) {
    const whole = a0 + (<usize>(length & ~3) << 2);
    const end = a0 + (<usize>length << 2);
    while (a0 < whole) {
      const y0 = v128.load(b), y1 = v128.load(b + b1), y2 = v128.load(b + b2);
      const x0 = v128.load(a0);
      s00 = madd(x0, y0, s00);
      s01 = madd(x0, y1, s01);
      s02 = madd(x0, y2, s02);
      const x1 = v128.load(a1);
      s10 = madd(x1, y0, s10);
      s11 = madd(x1, y1, s11);
      s12 = madd(x1, y2, s12);
      const x2 = v128.load(a2);
      s20 = madd(x2, y0, s20);
      s21 = madd(x2, y1, s21);
      s22 = madd(x2, y2, s22);
      a0 += 16;
      a1 += 16;
      a2 += 16;
      b += 16;
    }
    while (a0 < end) {
      const y0 = v128.load32_zero(b), y1 = v128.load32_zero(b + b1), y2 = v128.load32_zero(b + b2);
      const x0 = v128.load32_zero(a0);
      r00 = madd(x0, y0, r00);
      r01 = madd(x0, y1, r01);
      r02 = madd(x0, y2, r02);
      const x1 = v128.load32_zero(a1);
      r10 = madd(x1, y0, r10);
      r11 = madd(x1, y1, r11);
      r12 = madd(x1, y2, r12);
      const x2 = v128.load32_zero(a2);
      r20 = madd(x2, y0, r20);
      r21 = madd(x2, y1, r21);
      r22 = madd(x2, y2, r22);
      a0 += 4;
      a1 += 4;
      a2 += 4;
      b += 4;
    }
    a0 += skip;
    a1 += skip;
    a2 += skip;
  }
  const t0 = c + load<u32>(targets);
  store<f32>(t0, total(s00, r00));
  store<f32>(t0, total(s01, r01), 4);
  store<f32>(t0, total(s02, r02), 8);
  const t1 = c + load<u32>(targets, 4);
  store<f32>(t1, total(s10, r10));
  store<f32>(t1, total(s11, r11), 4);
  store<f32>(t1, total(s12, r12), 8);
  const t2 = c + load<u32>(targets, 8);
  store<f32>(t2, total(s20, r20));
  store<f32>(t2, total(s21, r21), 4);
  store<f32>(t2, total(s22, r22), 8);
}
