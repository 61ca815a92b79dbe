import { expm1Negative, expNegative, log1pUnit } from './exponential';
import { Four, get, One, put } from './lanes';

/* ReLU's relatives and softplus, with the gradient by the input. `alpha` is the leaky slope, or what ELU approaches below. */

export const RELU6: i32 = 0;
export const LEAKY: i32 = 1;
export const ELU: i32 = 2;
export const SOFTPLUS: i32 = 3;

class Relu6 {}
class Leaky {}
class Elu {}
class Softplus {}

export function activation(kind: i32, count: i32, alpha: f32, x: usize, y: usize): void {
  if (kind == RELU6) each<Relu6>(count, alpha, x, y);
  else if (kind == LEAKY) each<Leaky>(count, alpha, x, y);
  else if (kind == ELU) each<Elu>(count, alpha, x, y);
  else each<Softplus>(count, alpha, x, y);
}

export function activationGradient(kind: i32, count: i32, alpha: f32, dy: usize, x: usize, dx: usize): void {
  if (kind == RELU6) eachGradient<Relu6>(count, alpha, dy, x, dx);
  else if (kind == LEAKY) eachGradient<Leaky>(count, alpha, dy, x, dx);
  else if (kind == ELU) eachGradient<Elu>(count, alpha, dy, x, dx);
  else eachGradient<Softplus>(count, alpha, dy, x, dx);
}

function each<Kind>(count: i32, alpha: f32, x: usize, y: usize): void {
  const end = y + (<usize>count << 2);
  const slope = f32x4.splat(alpha);
  for (; y + 16 <= end; y += 16, x += 16) put<Four>(y, value<Kind>(get<Four>(x), slope));
  for (; y < end; y += 4, x += 4) put<One>(y, value<Kind>(get<One>(x), slope));
}

function eachGradient<Kind>(count: i32, alpha: f32, dy: usize, x: usize, dx: usize): void {
  const end = dx + (<usize>count << 2);
  const slope = f32x4.splat(alpha);
  for (; dx + 16 <= end; dx += 16, dy += 16, x += 16) put<Four>(dx, gradient<Kind>(get<Four>(dy), get<Four>(x), slope));
  for (; dx < end; dx += 4, dy += 4, x += 4) put<One>(dx, gradient<Kind>(get<One>(dy), get<One>(x), slope));
}

// @ts-ignore: decorator
@inline
function value<Kind>(x: v128, alpha: v128): v128 {
  const zero = f32x4.splat(0);
  if (idof<Kind>() == idof<Relu6>()) return f32x4.min(f32x4.max(x, zero), f32x4.splat(6));
  if (idof<Kind>() == idof<Leaky>()) return v128.bitselect(x, f32x4.mul(x, alpha), f32x4.gt(x, zero));
  if (idof<Kind>() == idof<Elu>()) return v128.bitselect(x, f32x4.mul(expm1Negative(f32x4.min(x, zero)), alpha), f32x4.ge(x, zero));
  return f32x4.add(f32x4.max(x, zero), log1pUnit(expNegative(f32x4.neg(f32x4.abs(x)))));
}

// @ts-ignore: decorator
@inline
function gradient<Kind>(dy: v128, x: v128, alpha: v128): v128 {
  const zero = f32x4.splat(0);
  if (idof<Kind>() == idof<Relu6>()) return v128.andnot(dy, v128.or(f32x4.le(x, zero), f32x4.gt(x, f32x4.splat(6))));
  if (idof<Kind>() == idof<Leaky>()) return v128.bitselect(dy, f32x4.mul(dy, alpha), f32x4.gt(x, zero));
  if (idof<Kind>() == idof<Elu>()) return v128.bitselect(dy, f32x4.mul(dy, f32x4.mul(expNegative(f32x4.min(x, zero)), alpha)), f32x4.ge(x, zero));
  // The logistic function, from e^-|x| so that nothing overflows.
  const tail = expNegative(f32x4.neg(f32x4.abs(x)));
  const one = f32x4.splat(1);
  return f32x4.mul(dy, f32x4.div(v128.bitselect(one, tail, f32x4.ge(x, zero)), f32x4.add(one, tail)));
}
