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
  const share = f32x4.splat(<f32>1 / <f32>count);
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

/** y = (x - center) gain + offset. */
export function normalize(count: i32, channels: i32, x: usize, center: usize, gain: usize, offset: usize, y: usize): void {
  const line = <usize>channels << 2;
  for (let row = 0; row < count; row++) {
    let at: usize = 0;
    for (; at + 16 <= line; at += 16) normalizeLanes<Four>(x + at, center + at, gain + at, offset + at, y + at);
    for (; at < line; at += 4) normalizeLanes<One>(x + at, center + at, gain + at, offset + at, y + at);
    x += line;
    y += line;
  }
}

// @ts-ignore: decorator
@inline
function normalizeLanes<T>(x: usize, center: usize, gain: usize, offset: usize, y: usize): void {
  put<T>(y, madd(f32x4.sub(get<T>(x), get<T>(center)), get<T>(gain), get<T>(offset)));
}

/** By channel: the sum of dy, and the sum of dy (x - center). */
export function gradientSums(count: i32, channels: i32, dy: usize, x: usize, center: usize, sums: usize, products: usize): void {
  const line = <usize>channels << 2;
  zero(sums, line);
  zero(products, line);
  for (let row = 0; row < count; row += BLOCK) {
    const rows = min(BLOCK, count - row);
    let at: usize = 0;
    for (; at + 16 <= line; at += 16) sumBlock<Four>(rows, line, dy + at, x + at, center + at, sums + at, products + at);
    for (; at < line; at += 4) sumBlock<One>(rows, line, dy + at, x + at, center + at, sums + at, products + at);
    dy += <usize>rows * line;
    x += <usize>rows * line;
  }
}

function sumBlock<T>(rows: i32, line: usize, dy: usize, x: usize, center: usize, sums: usize, products: usize): void {
  const middle = get<T>(center);
  let sum = f32x4.splat(0);
  let product = sum;
  for (let i = 0; i < rows; i++, dy += line, x += line) {
    const slope = get<T>(dy);
    sum = f32x4.add(sum, slope);
    product = madd(slope, f32x4.sub(get<T>(x), middle), product);
  }
  put<T>(sums, f32x4.add(get<T>(sums), sum));
  put<T>(products, f32x4.add(get<T>(products), product));
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

/** dx = gain dy + slope (x - center) + level. */
export function inputGradient(
  count: i32, channels: i32, dy: usize, x: usize, center: usize,
  gain: usize, slope: usize, level: usize, dx: usize,
): void {
  const line = <usize>channels << 2;
  for (let row = 0; row < count; row++) {
    let at: usize = 0;
    for (; at + 16 <= line; at += 16) inputLanes<Four>(dy + at, x + at, center + at, gain + at, slope + at, level + at, dx + at);
    for (; at < line; at += 4) inputLanes<One>(dy + at, x + at, center + at, gain + at, slope + at, level + at, dx + at);
    dy += line;
    x += line;
    dx += line;
  }
}

// @ts-ignore: decorator
@inline
function inputLanes<T>(dy: usize, x: usize, center: usize, gain: usize, slope: usize, level: usize, dx: usize): void {
  const moved = madd(f32x4.sub(get<T>(x), get<T>(center)), get<T>(slope), get<T>(level));
  put<T>(dx, madd(get<T>(dy), get<T>(gain), moved));
}
