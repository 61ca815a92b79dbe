import { Four, get, One, put } from './lanes';
import { largest } from './largest';

/*
 * One projected step: x moved by `alpha` along the steepest direction for a gradient, back into the ball of radius `eps` around the
 * clean input, then into [low, high]. Operations and their order are those of the composition of ordinary ones.
 */

// @ts-ignore: decorator
@inline
function bounded(value: v128, low: v128, high: v128): v128 {
  return f32x4.min(f32x4.max(value, low), high);
}

/** By numbers: NaN stays, as `bounded` keeps it, in one instruction each. */
// @ts-ignore: decorator
@inline
function clipped(value: v128, low: f32, high: f32): v128 {
  return f32x4.pmin(f32x4.pmax(value, f32x4.splat(low)), f32x4.splat(high));
}

/** As `bounded`, in half the instructions: NaN of the ball is looked for apart. */
// @ts-ignore: decorator
@inline
function held(value: v128, least: v128, most: v128): v128 {
  const known = v128.and(f32x4.eq(least, least), f32x4.eq(most, most));
  return v128.or(f32x4.pmin(f32x4.pmax(value, least), most), v128.not(known));
}

/**
 * Linf: by the gradient's sign; 0 and NaN stand still. With the iterate before x at `previous` (0: without), that step's share `plain`
 * and for the rest what led to x, projected again: a step with momentum.
 */
export function linfStep(
  count: i32, x: usize, gradient: usize, clean: usize, previous: usize, alpha: f32, plain: f64, eps: f32, low: f32, high: f32, to: usize,
): void {
  const end = to + (<usize>count << 2);
  const back = previous - x;
  for (; to + 16 <= end; to += 16, x += 16, gradient += 16, clean += 16) {
    linfLanes<Four>(x, gradient, clean, previous != 0, x + back, alpha, plain, eps, low, high, to);
  }
  for (; to < end; to += 4, x += 4, gradient += 4, clean += 4) {
    linfLanes<One>(x, gradient, clean, previous != 0, x + back, alpha, plain, eps, low, high, to);
  }
}

// @ts-ignore: decorator
@inline
function linfLanes<T>(
  x: usize, gradient: usize, clean: usize, momentum: bool, previous: usize, alpha: f32, plain: f64, eps: f32, low: f32, high: f32, to: usize,
): void {
  const zero = f32x4.splat(0);
  const slope = get<T>(gradient);
  const move = v128.or(v128.and(f32x4.gt(slope, zero), f32x4.splat(alpha)), v128.and(f32x4.lt(slope, zero), f32x4.splat(-alpha)));
  const from = get<T>(x);
  const middle = get<T>(clean);
  const least = f32x4.sub(middle, f32x4.splat(eps));
  const most = f32x4.add(middle, f32x4.splat(eps));
  let value = clipped(held(f32x4.add(from, move), least, most), low, high);
  if (momentum) {
    const moved = f32x4.mul(f32x4.sub(value, from), f32x4.splat(<f32>plain));
    const led = f32x4.mul(f32x4.sub(from, get<T>(previous)), f32x4.splat(<f32>(1 - plain)));
    value = clipped(held(f32x4.add(from, f32x4.add(moved, led)), least, most), low, high);
  }
  put<T>(to, value);
}

/** Keeps divisions by a length finite; see core's l2.ts. */
const TINY: f32 = 1e-12;
const SMALLEST: f32 = 1e-37;

/** L2: by the gradient over its length, row by row; a row inside the ball stays as it is, to the bit. */
export function l2Step(
  rows: i32, size: i32, x: usize, gradient: usize, clean: usize, alpha: f32, eps: f32, low: f32, high: f32, to: usize,
): void {
  const line = <usize>size << 2;
  for (let row = 0; row < rows; row++) {
    const scale = <f32>1 / max<f32>(largest(size, gradient), SMALLEST);
    const length = max<f32>(sqrt<f32>(squares(size, gradient, 0, scale)), TINY);
    move(size, x, gradient, scale, alpha / length, to);
    const distance = sqrt<f32>(squares(size, to, clean, 1));
    // A comparison with NaN is false: such a row is not shortened, as in the composition.
    hold(size, clean, distance > eps, eps / max<f32>(distance, TINY), low, high, to);
    x += line;
    gradient += line;
    clean += line;
    to += line;
  }
}

/** Sum of squares of (values - others) * scale; `others` 0: of the values. Four sums whose order is fixed, and a rest. */
function squares(size: i32, values: usize, others: usize, scale: f32): f32 {
  let sum = f32x4.splat(0);
  const factor = f32x4.splat(scale);
  const end = values + (<usize>size << 2);
  for (; values + 16 <= end; values += 16) {
    let value = v128.load(values);
    if (others != 0) {
      value = f32x4.sub(value, v128.load(others));
      others += 16;
    }
    value = f32x4.mul(value, factor);
    sum = f32x4.add(sum, f32x4.mul(value, value));
  }
  let rest: f32 = 0;
  for (; values < end; values += 4) {
    let value = load<f32>(values);
    if (others != 0) {
      value -= load<f32>(others);
      others += 4;
    }
    value *= scale;
    rest += value * value;
  }
  return f32x4.extract_lane(sum, 0) + f32x4.extract_lane(sum, 1) + (f32x4.extract_lane(sum, 2) + f32x4.extract_lane(sum, 3)) + rest;
}

/** to = x + gradient * scale * length. */
function move(size: i32, x: usize, gradient: usize, scale: f32, length: f32, to: usize): void {
  const end = to + (<usize>size << 2);
  for (; to + 16 <= end; to += 16, x += 16, gradient += 16) moveLanes<Four>(x, gradient, scale, length, to);
  for (; to < end; to += 4, x += 4, gradient += 4) moveLanes<One>(x, gradient, scale, length, to);
}

// @ts-ignore: decorator
@inline
function moveLanes<T>(x: usize, gradient: usize, scale: f32, length: f32, to: usize): void {
  put<T>(to, f32x4.add(get<T>(x), f32x4.mul(f32x4.mul(get<T>(gradient), f32x4.splat(scale)), f32x4.splat(length))));
}

function hold(size: i32, clean: usize, shorten: bool, share: f32, low: f32, high: f32, to: usize): void {
  const end = to + (<usize>size << 2);
  for (; to + 16 <= end; to += 16, clean += 16) holdLanes<Four>(clean, shorten, share, low, high, to);
  for (; to < end; to += 4, clean += 4) holdLanes<One>(clean, shorten, share, low, high, to);
}

// @ts-ignore: decorator
@inline
function holdLanes<T>(clean: usize, shorten: bool, share: f32, low: f32, high: f32, to: usize): void {
  let value = get<T>(to);
  if (shorten) value = f32x4.add(get<T>(clean), f32x4.mul(f32x4.sub(value, get<T>(clean)), f32x4.splat(share)));
  put<T>(to, bounded(value, f32x4.splat(low), f32x4.splat(high)));
}
