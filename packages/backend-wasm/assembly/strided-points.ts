import { madd } from './madd';

/*
 * Minimal filtering of 3x3 convolutions of stride 2 (Winograd; Lavin and Gray, CVPR 2016, section 4), by phases. Along an axis, the
 * inputs under taps 0 and 2 of n outputs are a convolution of stride 1 with two taps, F(n, 2): n + 1 products instead of 2n. Those
 * under tap 1 take a product each. Both axes together take (2n + 1)^2 products instead of 9n^2. Tiles have n = 2, 3 or 4 outputs an
 * axis. Transforms add in a fixed order, so a tile's bits depend on nothing but its inputs.
 *
 * Polynomials are taken at 0, infinity, a and, from n = 3 on, -a, and at n = 4 b, with a = 3/4 and b = 2: errors are twice those of a
 * direct sum, half of those of winograd.ts. Factors of the interpolation are the inputs', so that tiles of all sizes share a filter.
 */

export const A: f32 = 0.75;
export const B: f32 = 2;
export const AA: f32 = A * A;
export const BB: f32 = B * B;
export const AAA: f32 = AA * A;
export const BBB: f32 = BB * B;
/** Inverse products of a point's distances from the others. */
const AT_0: f32 = 1 / (AA * B);
const AT_PLUS: f32 = 1 / (2 * AA * (A - B));
const AT_MINUS: f32 = -1 / (2 * AA * (A + B));
const AT_B: f32 = 1 / (B * (BB - AA));
const HALF: f32 = 1 / (2 * AA);

/** Ways in which a filter's three taps are evaluated along an axis: each tap as it stands, and taps 0 and 2 at a, -a and b. */
const WAYS: i32 = 6;

/** Transforms filters to 36 planes, way by way; tap (i, j) of (r, f) at from + i * down + j * across + r * rowStep + f * columnStep. */
export function stridedFilter(
  from: usize, down: usize, across: usize,
  rows: i32, rowStep: usize, columns: i32, columnStep: usize,
  to: usize, plane: usize,
): void {
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const at = from + <usize>row * rowStep + <usize>column * columnStep;
      for (let i = 0; i < WAYS; i++) {
        const left = evaluated(i, at, down), middle = evaluated(i, at + across, down), right = evaluated(i, at + 2 * across, down);
        for (let j = 0; j < WAYS; j++) store<f32>(to + <usize>(WAYS * i + j) * plane, chosen(j, left, middle, right));
      }
      to += 4;
    }
  }
}

function evaluated(way: i32, at: usize, down: usize): f32 {
  return chosen(way, load<f32>(at), load<f32>(at + down), load<f32>(at + 2 * down));
}

function chosen(way: i32, first: f32, middle: f32, last: f32): f32 {
  if (way == 0) return first;
  if (way == 1) return middle;
  if (way == 2) return last;
  return first + (way == 3 ? A : way == 4 ? -A : B) * last;
}

/**
 * The n + 1 lines at from, `step` apart, to their transform: that of 0 to `zero`, then those of infinity, a, -a and b to `rest`, `apart`
 * each. All lines have `size` bytes.
 */
export function evenLines(n: i32, from: usize, step: usize, size: usize, zero: usize, rest: usize, apart: usize): void {
  const end = from + size;
  if (n == 4) for (; from < end; from += 16, zero += 16, rest += 16) even4(from, step, zero, rest, apart);
  else if (n == 3) for (; from < end; from += 16, zero += 16, rest += 16) even3(from, step, zero, rest, apart);
  else for (; from < end; from += 16, zero += 16, rest += 16) even2(from, step, zero, rest, apart);
}

// @ts-ignore: decorator
@inline
export function even4(from: usize, step: usize, zero: usize, rest: usize, apart: usize): void {
  const d1 = v128.load(from + step), d2 = v128.load(from + 2 * step), d3 = v128.load(from + 3 * step);
  const upper = madd(d2, f32x4.splat(-B), d3), lower = madd(d1, f32x4.splat(-B), d2), odd = madd(d1, f32x4.splat(-AA), d3);
  v128.store(zero, madd(madd(d2, f32x4.splat(-B), odd), f32x4.splat(AT_0), v128.load(from)));
  v128.store(rest, madd(odd, f32x4.splat(-B), madd(d2, f32x4.splat(-AA), v128.load(from + 4 * step))));
  v128.store(rest + apart, madd(lower, f32x4.splat(A * AT_PLUS), f32x4.mul(upper, f32x4.splat(AT_PLUS))));
  v128.store(rest + 2 * apart, madd(lower, f32x4.splat(-A * AT_MINUS), f32x4.mul(upper, f32x4.splat(AT_MINUS))));
  v128.store(rest + 3 * apart, f32x4.mul(odd, f32x4.splat(AT_B)));
}

// @ts-ignore: decorator
@inline
export function even3(from: usize, step: usize, zero: usize, rest: usize, apart: usize): void {
  const d1 = v128.load(from + step), d2 = v128.load(from + 2 * step);
  const half = f32x4.mul(d2, f32x4.splat(HALF));
  v128.store(zero, madd(d2, f32x4.splat(-2 * HALF), v128.load(from)));
  v128.store(rest, madd(d1, f32x4.splat(-AA), v128.load(from + 3 * step)));
  v128.store(rest + apart, madd(d1, f32x4.splat(A * HALF), half));
  v128.store(rest + 2 * apart, madd(d1, f32x4.splat(-A * HALF), half));
}

// @ts-ignore: decorator
@inline
export function even2(from: usize, step: usize, zero: usize, rest: usize, apart: usize): void {
  const d1 = v128.load(from + step);
  const part = f32x4.mul(d1, f32x4.splat(1 / A));
  v128.store(zero, f32x4.sub(v128.load(from), part));
  v128.store(rest, madd(d1, f32x4.splat(-A), v128.load(from + 2 * step)));
  v128.store(rest + apart, part);
}
