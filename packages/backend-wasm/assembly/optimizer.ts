import { Four, get, One, put } from './lanes';

/*
 * Steps of optimizers in one pass, with the same roundings as the ordinary operations they stand for. Results may lie where the
 * operands do.
 */

/**
 * g = gradient + decay p;  b = momentum b + g;  p = p - rate d, with d = b, or g + momentum b in Nesterov's variant. Without a slot
 * (`slot` is 0) d is g.
 */
export function momentumStep(
  count: i32, p: usize, gradient: usize, slot: usize, toP: usize, toSlot: usize, rate: f32, momentum: f32, nesterov: bool, decay: f32,
): void {
  const size = <usize>count << 2;
  let at: usize = 0;
  for (; at + 16 <= size; at += 16) momentumLanes<Four>(at, p, gradient, slot, toP, toSlot, rate, momentum, nesterov, decay);
  for (; at < size; at += 4) momentumLanes<One>(at, p, gradient, slot, toP, toSlot, rate, momentum, nesterov, decay);
}

// @ts-ignore: decorator
@inline
function momentumLanes<T>(
  at: usize, p: usize, gradient: usize, slot: usize, toP: usize, toSlot: usize, rate: f32, momentum: f32, nesterov: bool, decay: f32,
): void {
  const value = get<T>(p + at);
  const g = decayed(get<T>(gradient + at), value, decay);
  let direction = g;
  if (slot != 0) {
    const heavy = f32x4.add(f32x4.mul(get<T>(slot + at), f32x4.splat(momentum)), g);
    put<T>(toSlot + at, heavy);
    direction = nesterov ? f32x4.add(g, f32x4.mul(heavy, f32x4.splat(momentum))) : heavy;
  }
  put<T>(toP + at, f32x4.sub(value, f32x4.mul(direction, f32x4.splat(rate))));
}

// @ts-ignore: decorator
@inline
function decayed(gradient: v128, value: v128, decay: f32): v128 {
  return decay > 0 ? f32x4.add(gradient, f32x4.mul(value, f32x4.splat(decay))) : gradient;
}

/**
 * g = gradient + decay p;  m = beta1 m + rest1 g;  v = beta2 v + rest2 g^2;  p = p - length m / (sqrt(v) + epsilon).
 */
export function adamStep(
  count: i32, p: usize, gradient: usize, m: usize, v: usize, toP: usize, toM: usize, toV: usize,
  length: f32, beta1: f32, rest1: f32, beta2: f32, rest2: f32, epsilon: f32, decay: f32,
): void {
  const size = <usize>count << 2;
  let at: usize = 0;
  for (; at + 16 <= size; at += 16) adamLanes<Four>(at, p, gradient, m, v, toP, toM, toV, length, beta1, rest1, beta2, rest2, epsilon, decay);
  for (; at < size; at += 4) adamLanes<One>(at, p, gradient, m, v, toP, toM, toV, length, beta1, rest1, beta2, rest2, epsilon, decay);
}

// @ts-ignore: decorator
@inline
function adamLanes<T>(
  at: usize, p: usize, gradient: usize, m: usize, v: usize, toP: usize, toM: usize, toV: usize,
  length: f32, beta1: f32, rest1: f32, beta2: f32, rest2: f32, epsilon: f32, decay: f32,
): void {
  const value = get<T>(p + at);
  const g = decayed(get<T>(gradient + at), value, decay);
  const mean = f32x4.add(f32x4.mul(get<T>(m + at), f32x4.splat(beta1)), f32x4.mul(g, f32x4.splat(rest1)));
  const square = f32x4.add(f32x4.mul(get<T>(v + at), f32x4.splat(beta2)), f32x4.mul(f32x4.mul(g, g), f32x4.splat(rest2)));
  put<T>(toM + at, mean);
  put<T>(toV + at, square);
  const direction = f32x4.div(mean, f32x4.add(f32x4.sqrt(square), f32x4.splat(epsilon)));
  put<T>(toP + at, f32x4.sub(value, f32x4.mul(direction, f32x4.splat(length))));
}
