import { madd } from './madd';
import { A, AA, AAA, B, BB, BBB, evenLines } from './strided-points';

/*
 * The input gradient of a 3x3 convolution of stride 2, by the transforms of strided-points.ts. Along an axis every second input has taps
 * 0 and 2: n of them are F(n, 2) of n + 1 output gradients. Those in between have tap 1 alone. `down` and `across` list the sizes of the
 * former's tiles, then 0.
 */

/**
 * Transforms padded output gradients, `size` bytes apart with rows of `line` bytes. Tiles begin at row `tiled` and column `column`, both
 * in bytes. Their rows, transformed, go to `rows`; these, and then `count` rows from `between` on, are transformed across to `to`, rows of
 * `pitch` bytes.
 */
export function stridedGradientInput(
  images: i32, a: usize, size: usize, line: usize, channels: i32, down: usize, across: usize,
  tiled: usize, between: usize, count: i32, column: usize, rows: usize, to: usize, pitch: usize,
): void {
  const pixel = <usize>channels << 2;
  for (let image = 0; image < images; image++, a += size) {
    let from = a + tiled;
    let n: i32;
    for (let tile = down; (n = load<i32>(tile)) != 0; tile += 4) {
      evenLines(n, from, line, line, rows, rows + line, line);
      for (let i = 0; i <= n; i++, rows += line, to += pitch) inputLine(rows + column, pixel, across, to);
      from += <usize>n * line;
    }
    from = a + between + column;
    for (let i = 0; i < count; i++, from += line, to += pitch) inputLine(from, pixel, across, to);
  }
}

function inputLine(from: usize, pixel: usize, across: usize, to: usize): void {
  let n: i32;
  for (let tile = across; (n = load<i32>(tile)) != 0; tile += 4) {
    evenLines(n, from, pixel, pixel, to, to + pixel, pixel);
    from += <usize>n * pixel;
    to += <usize>(n + 1) * pixel;
  }
}

/**
 * Transforms products, laid out as above, back: those of tiles' rows across into `rows`, where the columns in between are already, and
 * then down into the result; the others across into the result, whose rows have `line` bytes. Says whether all it wrote there is finite.
 */
export function stridedGradientOutput(
  images: i32, from: usize, pitch: usize, channels: i32, down: usize, across: usize,
  tiled: usize, between: usize, count: i32, column: usize, rows: usize, to: usize, size: usize, line: usize,
): bool {
  const pixel = <usize>channels << 2;
  let check = f32x4.splat(0);
  for (let image = 0; image < images; image++, to += size) {
    let target = to + tiled;
    let n: i32;
    for (let tile = down; (n = load<i32>(tile)) != 0; tile += 4) {
      for (let i = 0; i <= n; i++, from += pitch) outputLine(from, pixel, across, rows + <usize>i * line + column, check);
      check = outputs(n, rows, line, line, target, 2 * line, check);
      rows += <usize>(n + 1) * line;
      target += <usize>(2 * n) * line;
    }
    target = to + between + column;
    for (let i = 0; i < count; i++, from += pitch, target += 2 * line) check = outputLine(from, pixel, across, target, check);
  }
  return v128.all_true<i32>(f32x4.eq(check, check));
}

function outputLine(from: usize, pixel: usize, across: usize, to: usize, check: v128): v128 {
  let n: i32;
  for (let tile = across; (n = load<i32>(tile)) != 0; tile += 4) {
    check = outputs(n, from, pixel, pixel, to, 2 * pixel, check);
    from += <usize>(n + 1) * pixel;
    to += <usize>(2 * n) * pixel;
  }
  return check;
}

/** The n + 1 lines of products at from, `step` apart, to n lines of results, `apart` from each other. */
function outputs(n: i32, from: usize, step: usize, size: usize, to: usize, apart: usize, check: v128): v128 {
  if (n == 4) return outputs4(from, step, size, to, apart, check);
  if (n == 3) return outputs3(from, step, size, to, apart, check);
  return outputs2(from, step, size, to, apart, check);
}

function outputs4(from: usize, step: usize, size: usize, to: usize, apart: usize, check: v128): v128 {
  for (const end = from + size; from < end; from += 16, to += 16) {
    const plus = v128.load(from + 2 * step), minus = v128.load(from + 3 * step), b = v128.load(from + 4 * step);
    const sum = f32x4.add(plus, minus), difference = f32x4.sub(plus, minus);
    const y0 = f32x4.add(f32x4.add(v128.load(from), sum), b);
    const y1 = madd(b, f32x4.splat(B), f32x4.mul(difference, f32x4.splat(A)));
    const y2 = madd(b, f32x4.splat(BB), f32x4.mul(sum, f32x4.splat(AA)));
    const y3 = madd(b, f32x4.splat(BBB), madd(difference, f32x4.splat(AAA), v128.load(from + step)));
    v128.store(to, y0);
    v128.store(to + apart, y1);
    v128.store(to + 2 * apart, y2);
    v128.store(to + 3 * apart, y3);
    // Zero times anything finite is zero, else NaN.
    check = f32x4.add(check, f32x4.mul(f32x4.add(f32x4.add(y0, y1), f32x4.add(y2, y3)), f32x4.splat(0)));
  }
  return check;
}

function outputs3(from: usize, step: usize, size: usize, to: usize, apart: usize, check: v128): v128 {
  for (const end = from + size; from < end; from += 16, to += 16) {
    const plus = v128.load(from + 2 * step), minus = v128.load(from + 3 * step);
    const sum = f32x4.add(plus, minus);
    const y0 = f32x4.add(v128.load(from), sum);
    const y1 = f32x4.mul(f32x4.sub(plus, minus), f32x4.splat(A));
    const y2 = madd(sum, f32x4.splat(AA), v128.load(from + step));
    v128.store(to, y0);
    v128.store(to + apart, y1);
    v128.store(to + 2 * apart, y2);
    check = f32x4.add(check, f32x4.mul(f32x4.add(f32x4.add(y0, y1), y2), f32x4.splat(0)));
  }
  return check;
}

function outputs2(from: usize, step: usize, size: usize, to: usize, apart: usize, check: v128): v128 {
  for (const end = from + size; from < end; from += 16, to += 16) {
    const plus = v128.load(from + 2 * step);
    const y0 = f32x4.add(v128.load(from), plus), y1 = madd(plus, f32x4.splat(A), v128.load(from + step));
    v128.store(to, y0);
    v128.store(to + apart, y1);
    check = f32x4.add(check, f32x4.mul(f32x4.add(y0, y1), f32x4.splat(0)));
  }
  return check;
}
