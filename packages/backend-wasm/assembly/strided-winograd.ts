import { madd } from './madd';
import { rectify } from './relu';
import { A, AA, AAA, B, BB, BBB, even2, even3, even4, evenLines } from './strided-points';

/*
 * A 3x3 convolution of stride 2 by the transforms of strided-points.ts. Images are transformed by the tiles that `down` and `across`
 * list (their sizes, then 0). A tile has 2n + 1 operands an axis: that of 0, the n inputs under tap 1, those of infinity, a, -a and b.
 * Products that go to the same output alone are summed as one: of 0 and the first input under tap 1, of the last one and infinity. So a
 * tile has 2n - 1 results an axis, n for the inputs under tap 1 and those of a, -a and b.
 */

/** Transforms padded images, `size` bytes apart with rows of `line` bytes; rows of operands are `pitch` bytes apart. */
export function stridedInput(
  images: i32, a: usize, size: usize, line: usize, channels: i32, down: usize, across: usize, to: usize, pitch: usize, lines: usize,
): void {
  const pixel = <usize>channels << 2;
  for (let image = 0; image < images; image++, a += size) {
    let from = a;
    let n: i32;
    for (let tile = down; (n = load<i32>(tile)) != 0; tile += 4) {
      evenLines(n, from, 2 * line, line, lines, lines + line, line);
      inputLine(lines, pixel, across, to);
      for (let i = 0; i < n; i++) inputLine(from + <usize>(2 * i + 1) * line, pixel, across, to += pitch);
      for (let i = 1; i <= n; i++) inputLine(lines + <usize>i * line, pixel, across, to += pitch);
      to += pitch;
      from += <usize>(2 * n) * line;
    }
  }
}

function inputLine(from: usize, pixel: usize, across: usize, to: usize): void {
  let n: i32;
  for (let tile = across; (n = load<i32>(tile)) != 0; tile += 4) {
    const rest = to + <usize>(n + 1) * pixel;
    for (let c: usize = 0; c < pixel; c += 16) {
      const at = from + c, place = to + c;
      keep(at, pixel, place);
      keep(at + 2 * pixel, pixel, place + pixel);
      if (n > 2) keep(at + 4 * pixel, pixel, place + 2 * pixel);
      if (n > 3) keep(at + 6 * pixel, pixel, place + 3 * pixel);
      if (n == 4) even4(at, 2 * pixel, place, rest + c, pixel);
      else if (n == 3) even3(at, 2 * pixel, place, rest + c, pixel);
      else even2(at, 2 * pixel, place, rest + c, pixel);
    }
    from += <usize>(2 * n) * pixel;
    to += <usize>(2 * n + 1) * pixel;
  }
}

// @ts-ignore: decorator
@inline
function keep(from: usize, pixel: usize, to: usize): void {
  v128.store(to + pixel, v128.load(from + pixel));
}

/** Transforms results back; outputs end as in product.ts. Says whether all were finite before. */
export function stridedOutput(
  images: i32, from: usize, pitch: usize, channels: i32, down: usize, across: usize, to: usize, line: usize, lines: usize,
  bias: usize, rectified: bool,
): bool {
  const pixel = <usize>channels << 2;
  let check = f32x4.splat(0);
  for (let image = 0; image < images; image++) {
    let n: i32;
    for (let tile = down; (n = load<i32>(tile)) != 0; tile += 4) {
      for (let i = 0; i < 2 * n - 1; i++, from += pitch) outputLine(from, pixel, across, lines + <usize>i * line);
      check = f32x4.add(check, folded(n, lines, line, line, to, line));
      const end = to + <usize>n * line;
      if (bias != 0 || rectified) for (let at = to; at < end; at += pixel) endPixel(at, pixel, bias, rectified);
      to = end;
    }
  }
  return v128.all_true<i32>(f32x4.eq(check, check));
}

function endPixel(at: usize, size: usize, bias: usize, rectified: bool): void {
  for (let c: usize = 0; c < size; c += 16) {
    const y = bias == 0 ? v128.load(at + c) : f32x4.add(v128.load(at + c), v128.load(bias + c));
    v128.store(at + c, rectified ? rectify(y) : y);
  }
}

function outputLine(from: usize, pixel: usize, across: usize, to: usize): void {
  let n: i32;
  for (let tile = across; (n = load<i32>(tile)) != 0; tile += 4) {
    folded(n, from, pixel, pixel, to, pixel);
    from += <usize>(2 * n - 1) * pixel;
    to += <usize>n * pixel;
  }
}

/** Lines of products, `step` apart, to n lines of outputs, `apart` from each other. Gives zeros, or NaN where an output is not finite. */
function folded(n: i32, from: usize, step: usize, size: usize, to: usize, apart: usize): v128 {
  return n == 4 ? folded4(from, step, size, to, apart) : n == 3 ? folded3(from, step, size, to, apart) : folded2(from, step, size, to, apart);
}

function folded4(from: usize, step: usize, size: usize, to: usize, apart: usize): v128 {
  let check = f32x4.splat(0);
  for (const end = from + size; from < end; from += 16, to += 16) {
    const plus = v128.load(from + 4 * step), minus = v128.load(from + 5 * step), b = v128.load(from + 6 * step);
    const sum = f32x4.add(plus, minus), difference = f32x4.sub(plus, minus);
    const y0 = f32x4.add(f32x4.add(v128.load(from), sum), b);
    const y1 = madd(b, f32x4.splat(B), madd(difference, f32x4.splat(A), v128.load(from + step)));
    const y2 = madd(b, f32x4.splat(BB), madd(sum, f32x4.splat(AA), v128.load(from + 2 * step)));
    const y3 = madd(b, f32x4.splat(BBB), madd(difference, f32x4.splat(AAA), v128.load(from + 3 * step)));
    v128.store(to, y0);
    v128.store(to + apart, y1);
    v128.store(to + 2 * apart, y2);
    v128.store(to + 3 * apart, y3);
    // Zero times anything finite is zero, else NaN.
    check = f32x4.add(check, f32x4.mul(f32x4.add(f32x4.add(y0, y1), f32x4.add(y2, y3)), f32x4.splat(0)));
  }
  return check;
}

function folded3(from: usize, step: usize, size: usize, to: usize, apart: usize): v128 {
  let check = f32x4.splat(0);
  for (const end = from + size; from < end; from += 16, to += 16) {
    const plus = v128.load(from + 3 * step), minus = v128.load(from + 4 * step);
    const sum = f32x4.add(plus, minus), difference = f32x4.sub(plus, minus);
    const y0 = f32x4.add(v128.load(from), sum);
    const y1 = madd(difference, f32x4.splat(A), v128.load(from + step));
    const y2 = madd(sum, f32x4.splat(AA), v128.load(from + 2 * step));
    v128.store(to, y0);
    v128.store(to + apart, y1);
    v128.store(to + 2 * apart, y2);
    check = f32x4.add(check, f32x4.mul(f32x4.add(f32x4.add(y0, y1), y2), f32x4.splat(0)));
  }
  return check;
}

function folded2(from: usize, step: usize, size: usize, to: usize, apart: usize): v128 {
  let check = f32x4.splat(0);
  for (const end = from + size; from < end; from += 16, to += 16) {
    const plus = v128.load(from + 2 * step);
    const y0 = f32x4.add(v128.load(from), plus), y1 = madd(plus, f32x4.splat(A), v128.load(from + step));
    v128.store(to, y0);
    v128.store(to + apart, y1);
    check = f32x4.add(check, f32x4.mul(f32x4.add(y0, y1), f32x4.splat(0)));
  }
  return check;
}
