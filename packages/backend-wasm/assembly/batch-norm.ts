import { bytesOf, Four, get, One, put } from './lanes';
import { madd } from './madd';
import { zero } from './pad';

/*
 * Batch normalization over rows [count, channels]: y = (x - mean) gain + offset with gain = scale / sqrt(variance + epsilon).
 * Blocks of 64 rows stay in the first-level cache, so that statistics read x from memory once: a block's mean and sum of squared
 * deviations are joined to those before by the pairwise formula of Chan, Golub and LeVeque (1979), which does not cancel.
 */

const BLOCK: i32 = 64;

/** Mean and biased variance by channel. */
export function moments(count: i32, channels: i32, x: usize, mean: usize, variance: usize): void {
  const line = <usize>channels << 2;
  zero(mean, line);
  zero(variance, line);
  for (let row = 0; row < count; row += BLOCK) {
    const rows = min(BLOCK, count - row);
    let at: usize = 0;
    for (; at + 16 <= line; at += 16) joinBlock<Four>(rows, row, line, x + at, mean + at, variance + at);
    for (; at < line; at += 4) joinBlock<One>(rows, row, line, x + at, mean + at, variance + at);
    x += <usize>rows * line;
  }
  // No rows have variance 0, as a mean over nothing is 0 in TF.js.
  const share = f32x4.splat(<f32>1 / <f32>max(1, count));
  for (let at = variance; at < variance + line; at += 4) put<One>(at, f32x4.mul(get<One>(at), share));
}

function joinBlock<T>(rows: i32, before: i32, line: usize, x: usize, mean: usize, squares: usize): void {
  let sum = f32x4.splat(0);
  for (let i = 0, at = x; i < rows; i++, at += line) sum = f32x4.add(sum, get<T>(at));
  const center = f32x4.mul(sum, f32x4.splat(<f32>1 / <f32>rows));
  let spread = f32x4.splat(0);
  for (let i = 0, at = x; i < rows; i++, at += line) {
    const off = f32x4.sub(get<T>(at), center);
    spread = madd(off, off, spread);
  }
  const total = <f32>(before + rows);
  const delta = f32x4.sub(center, get<T>(mean));
  put<T>(mean, madd(delta, f32x4.splat(<f32>rows / total), get<T>(mean)));
  const between = f32x4.mul(f32x4.mul(delta, delta), f32x4.splat(<f32>before * (<f32>rows / total)));
  put<T>(squares, f32x4.add(get<T>(squares), f32x4.add(spread, between)));
}

/** gain = scale / sqrt(variance + epsilon). */
export function gains(channels: i32, scale: usize, variance: usize, epsilon: f32, gain: usize): void {
  for (let i = 0; i < channels; i++) {
    const at = <usize>i << 2;
    store<f32>(gain + at, load<f32>(scale + at) / sqrt<f32>(load<f32>(variance + at) + epsilon));
  }
}

/** y = (x - center) gain + offset, plus what stands at `plus` (0: nothing); with `rectified`, the larger of that and zero. */
export function normalize(
  count: i32, channels: i32, x: usize, center: usize, gain: usize, offset: usize, plus: usize, rectified: bool, y: usize,
): void {
  if (plus != 0) {
    if (rectified) normalizeRows<Joined, Rectified>(count, channels, x, center, gain, offset, plus, y);
    else normalizeRows<Joined, Linear>(count, channels, x, center, gain, offset, plus, y);
  } else {
    if (rectified) normalizeRows<Alone, Rectified>(count, channels, x, center, gain, offset, x, y);
    else normalizeRows<Alone, Linear>(count, channels, x, center, gain, offset, x, y);
  }
}

class Joined {}
class Alone {}
class Rectified {}
class Linear {}

function normalizeRows<J, R>(count: i32, channels: i32, x: usize, center: usize, gain: usize, offset: usize, plus: usize, y: usize): void {
  const line = <usize>channels << 2;
  for (let row = 0; row < count; row++) {
    let at: usize = 0;
    for (; at + 16 <= line; at += 16) normalizeLanes<Four, J, R>(x + at, center + at, gain + at, offset + at, plus + at, y + at);
    for (; at < line; at += 4) normalizeLanes<One, J, R>(x + at, center + at, gain + at, offset + at, plus + at, y + at);
    x += line;
    plus += line;
    y += line;
  }
}

// @ts-ignore: decorator
@inline
function normalizeLanes<T, J, R>(x: usize, center: usize, gain: usize, offset: usize, plus: usize, y: usize): void {
  let value = normalized<T>(x, center, gain, offset);
  if (idof<J>() == idof<Joined>()) value = f32x4.add(value, get<T>(plus));
  if (idof<R>() == idof<Rectified>()) value = f32x4.max(value, f32x4.splat(0));
  put<T>(y, value);
}

// @ts-ignore: decorator
@inline
function normalized<T>(x: usize, center: usize, gain: usize, offset: usize): v128 {
  return madd(f32x4.sub(get<T>(x), get<T>(center)), get<T>(gain), get<T>(offset));
}

/** dx = dy gain where y is positive or NaN, else 0; what is left of dy goes to `kept` (0: nowhere). */
export function rectifiedGain(count: i32, channels: i32, dy: usize, y: usize, gain: usize, kept: usize, dx: usize): void {
  if (kept != 0) rectifiedRows<Joined>(count, channels, dy, y, gain, kept, dx);
  else rectifiedRows<Alone>(count, channels, dy, y, gain, dx, dx);
}

function rectifiedRows<J>(count: i32, channels: i32, dy: usize, y: usize, gain: usize, kept: usize, dx: usize): void {
  const line = <usize>channels << 2;
  for (let row = 0; row < count; row++) {
    let at: usize = 0;
    for (; at + 16 <= line; at += 16) rectifiedLanes<Four, J>(dy + at, y + at, gain + at, kept + at, dx + at);
    for (; at < line; at += 4) rectifiedLanes<One, J>(dy + at, y + at, gain + at, kept + at, dx + at);
    dy += line;
    y += line;
    kept += line;
    dx += line;
  }
}

// @ts-ignore: decorator
@inline
function rectifiedLanes<T, J>(dy: usize, y: usize, gain: usize, kept: usize, dx: usize): void {
  const left = v128.andnot(get<T>(dy), f32x4.le(get<T>(y), f32x4.splat(0)));
  if (idof<J>() == idof<Joined>()) put<T>(kept, left);
  put<T>(dx, f32x4.mul(left, get<T>(gain)));
}

/**
 * By channel: the sum of dy, and the sum of dy (x - center). With a gain (else 0) the norm's output was rectified, and dy counts only
 * where (x - center) gain + offset is positive or NaN: the same bits as the output had, so that it need not be read.
 */
export function gradientSums(
  count: i32, channels: i32, dy: usize, x: usize, center: usize, gain: usize, offset: usize, sums: usize, products: usize,
): void {
  const line = <usize>channels << 2;
  zero(sums, line);
  zero(products, line);
  for (let row = 0; row < count; row += BLOCK) {
    const rows = min(BLOCK, count - row);
    let at: usize = 0;
    if (gain != 0) {
      for (; at + 16 <= line; at += 16) sumBlock<Four, Rectified>(rows, line, dy + at, x + at, center + at, gain + at, offset + at, sums + at, products + at);
      for (; at < line; at += 4) sumBlock<One, Rectified>(rows, line, dy + at, x + at, center + at, gain + at, offset + at, sums + at, products + at);
    } else {
      for (; at + 16 <= line; at += 16) sumBlock<Four, Linear>(rows, line, dy + at, x + at, center + at, center, center, sums + at, products + at);
      for (; at < line; at += 4) sumBlock<One, Linear>(rows, line, dy + at, x + at, center + at, center, center, sums + at, products + at);
    }
    dy += <usize>rows * line;
    x += <usize>rows * line;
  }
}

function sumBlock<T, R>(
  rows: i32, line: usize, dy: usize, x: usize, center: usize, gain: usize, offset: usize, sums: usize, products: usize,
): void {
  const middle = get<T>(center), slope = get<T>(gain), level = get<T>(offset);
  let sum = f32x4.splat(0);
  let product = sum;
  for (let i = 0; i < rows; i++, dy += line, x += line) {
    const off = f32x4.sub(get<T>(x), middle);
    const value = left<R>(get<T>(dy), off, slope, level);
    sum = f32x4.add(sum, value);
    product = madd(value, off, product);
  }
  put<T>(sums, f32x4.add(get<T>(sums), sum));
  put<T>(products, f32x4.add(get<T>(products), product));
}

/** dy, or what a rectified norm lets through of it. */
// @ts-ignore: decorator
@inline
function left<R>(dy: v128, off: v128, gain: v128, offset: v128): v128 {
  if (idof<R>() == idof<Linear>()) return dy;
  return v128.andnot(dy, f32x4.le(madd(off, gain, offset), f32x4.splat(0)));
}

/**
 * What the input's gradient takes besides dy, and the scale's gradient: with r = 1 / sqrt(variance + epsilon) and n rows,
 * dx = gain dy + slope (x - mean) + level, slope = -gain r^2 products / n, level = -gain sums / n, dscale = r products.
 */
export function gradientTerms(
  count: i32, channels: i32, gain: usize, variance: usize, epsilon: f32,
  sums: usize, products: usize, slope: usize, level: usize,
): void {
  const share = <f32>1 / <f32>count;
  for (let i = 0; i < channels; i++) {
    const at = <usize>i << 2;
    const r: f32 = <f32>1 / sqrt<f32>(load<f32>(variance + at) + epsilon);
    const scaled = r * load<f32>(products + at);
    store<f32>(slope + at, -load<f32>(gain + at) * r * scaled * share);
    store<f32>(level + at, -load<f32>(gain + at) * load<f32>(sums + at) * share);
    store<f32>(products + at, scaled);
  }
}

/** dx = gain dy + slope (x - center) + level; with an offset (else 0), of what a rectified norm lets through of dy. */
export function inputGradient(
  count: i32, channels: i32, dy: usize, x: usize, center: usize, gain: usize, offset: usize, slope: usize, level: usize, dx: usize,
): void {
  if (offset != 0) inputRows<Rectified>(count, channels, dy, x, center, gain, offset, slope, level, dx);
  else inputRows<Linear>(count, channels, dy, x, center, gain, center, slope, level, dx);
}

function inputRows<R>(
  count: i32, channels: i32, dy: usize, x: usize, center: usize, gain: usize, offset: usize, slope: usize, level: usize, dx: usize,
): void {
  const line = <usize>channels << 2;
  for (let row = 0; row < count; row++) {
    let at: usize = 0;
    for (; at + 16 <= line; at += 16) inputLanes<Four, R>(dy + at, x + at, center + at, gain + at, offset + at, slope + at, level + at, dx + at);
    for (; at < line; at += 4) inputLanes<One, R>(dy + at, x + at, center + at, gain + at, offset + at, slope + at, level + at, dx + at);
    dy += line;
    x += line;
    dx += line;
  }
}

// @ts-ignore: decorator
@inline
function inputLanes<T, R>(dy: usize, x: usize, center: usize, gain: usize, offset: usize, slope: usize, level: usize, dx: usize): void {
  const off = f32x4.sub(get<T>(x), get<T>(center));
  const factor = get<T>(gain);
  const moved = madd(off, get<T>(slope), get<T>(level));
  put<T>(dx, madd(left<R>(get<T>(dy), off, factor, get<T>(offset)), factor, moved));
}
