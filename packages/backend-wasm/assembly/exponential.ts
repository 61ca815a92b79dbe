import { madd } from './madd';

/*
 * e^x = 2^n e^r with n the integer nearest to x / ln 2 and |r| <= ln 2 / 2, where Taylor's series ends soon: below 1e-8 after the
 * seventh power, below 1e-17 after the fourteenth. ln 2 is split in two so that n ln 2 does not round.
 */

/** e^x - 1 in four lanes for x <= 0, without cancellation near 0; NaN stays. */
export function expm1Negative(x: v128): v128 {
  const n = power(x);
  const scale = scaleOf(n);
  return madd(scale, series(reduced(x, n)), f32x4.sub(scale, f32x4.splat(1)));
}

/** e^x in four lanes for x <= 0; 0 where float32 has no normal number as small. */
export function expNegative(x: v128): v128 {
  const n = power(x);
  const scale = scaleOf(n);
  return v128.andnot(madd(scale, series(reduced(x, n)), scale), f32x4.lt(x, f32x4.splat(LEAST)));
}

const LEAST: f32 = -87;

// @ts-ignore: decorator
@inline
function power(x: v128): v128 {
  return f32x4.nearest(f32x4.mul(f32x4.max(x, f32x4.splat(LEAST)), f32x4.splat(1.44269504)));
}

// @ts-ignore: decorator
@inline
function scaleOf(n: v128): v128 {
  return i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23);
}

// @ts-ignore: decorator
@inline
function reduced(x: v128, n: v128): v128 {
  const clamped = f32x4.max(x, f32x4.splat(LEAST));
  return f32x4.sub(f32x4.sub(clamped, f32x4.mul(n, f32x4.splat(0.693359375))), f32x4.mul(n, f32x4.splat(-2.12194440e-4)));
}

/** e^r - 1. */
// @ts-ignore: decorator
@inline
function series(r: v128): v128 {
  let sum = f32x4.splat(<f32>(1.0 / 5040.0));
  sum = madd(sum, r, f32x4.splat(<f32>(1.0 / 720.0)));
  sum = madd(sum, r, f32x4.splat(<f32>(1.0 / 120.0)));
  sum = madd(sum, r, f32x4.splat(<f32>(1.0 / 24.0)));
  sum = madd(sum, r, f32x4.splat(<f32>(1.0 / 6.0)));
  sum = madd(sum, r, f32x4.splat(0.5));
  sum = madd(sum, r, f32x4.splat(1));
  return f32x4.mul(sum, r);
}

/** ln(1 + t) in four lanes for t in [0, 1], by 2 artanh(t / (2 + t)), whose argument is at most 1/3. */
export function log1pUnit(t: v128): v128 {
  const s = f32x4.div(t, f32x4.add(t, f32x4.splat(2)));
  const square = f32x4.mul(s, s);
  let sum = f32x4.splat(<f32>(2.0 / 15.0));
  sum = madd(sum, square, f32x4.splat(<f32>(2.0 / 13.0)));
  sum = madd(sum, square, f32x4.splat(<f32>(2.0 / 11.0)));
  sum = madd(sum, square, f32x4.splat(<f32>(2.0 / 9.0)));
  sum = madd(sum, square, f32x4.splat(<f32>(2.0 / 7.0)));
  sum = madd(sum, square, f32x4.splat(<f32>(2.0 / 5.0)));
  sum = madd(sum, square, f32x4.splat(<f32>(2.0 / 3.0)));
  sum = madd(sum, square, f32x4.splat(2));
  return f32x4.mul(sum, s);
}

/** e^x in double precision for x <= 0. */
export function exp64(x: f64): f64 {
  if (!(x >= -700)) return x == x ? 0 : x;
  const n = nearest<f64>(x * 1.4426950408889634);
  const r = x - n * 0.693147180369123816490 - n * 1.90821492927058770002e-10;
  let sum: f64 = 1;
  for (let k: i32 = 14; k > 0; k--) sum = 1 + (sum * r) / <f64>k;
  return sum * reinterpret<f64>(<i64>(<i32>n + 1023) << 52);
}

/** ln x in double precision for x >= 1. */
export function log64(x: f64): f64 {
  if (!(x < Infinity)) return x;
  let exponent = <i32>((reinterpret<i64>(x) >> 52) & 0x7ff) - 1023;
  let mantissa = reinterpret<f64>((reinterpret<i64>(x) & 0x000fffffffffffff) | 0x3ff0000000000000);
  if (mantissa > 1.4142135623730951) {
    mantissa *= 0.5;
    exponent++;
  }
  const s = (mantissa - 1) / (mantissa + 1);
  const square = s * s;
  let sum: f64 = 0;
  for (let k: i32 = 23; k > 0; k -= 2) sum = sum * square + 2.0 / <f64>k;
  return <f64>exponent * 0.69314718055994530942 + sum * s;
}
