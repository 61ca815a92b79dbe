/*
 * Sums, differences, products and extremes (NaN if either is) of two tensors where one is repeated: `large` is [outer, middle, inner], `small` [outer, 1,
 * inner]. Equal shapes, a channel's bias, one value an example and a number are all of that form.
 */

export const ADD: i32 = 0;
export const SUBTRACT: i32 = 1;
export const SUBTRACT_FROM: i32 = 2;
export const MULTIPLY: i32 = 3;
export const MAXIMUM: i32 = 4;
export const MINIMUM: i32 = 5;

export function binary(operation: i32, outer: i32, middle: i32, inner: i32, large: usize, small: usize, to: usize): void {
  if (operation == ADD) repeat<Add>(outer, middle, inner, large, small, to);
  else if (operation == SUBTRACT) repeat<Subtract>(outer, middle, inner, large, small, to);
  else if (operation == SUBTRACT_FROM) repeat<SubtractFrom>(outer, middle, inner, large, small, to);
  else if (operation == MULTIPLY) repeat<Multiply>(outer, middle, inner, large, small, to);
  else if (operation == MAXIMUM) repeat<Maximum>(outer, middle, inner, large, small, to);
  else repeat<Minimum>(outer, middle, inner, large, small, to);
}

class Add {}
class Subtract {}
class SubtractFrom {}
class Multiply {}
class Maximum {}
class Minimum {}

// @ts-ignore: decorator
@inline
function apply<T>(large: v128, small: v128): v128 {
  if (idof<T>() == idof<Add>()) return f32x4.add(large, small);
  if (idof<T>() == idof<Subtract>()) return f32x4.sub(large, small);
  if (idof<T>() == idof<SubtractFrom>()) return f32x4.sub(small, large);
  if (idof<T>() == idof<Multiply>()) return f32x4.mul(large, small);
  if (idof<T>() == idof<Maximum>()) return f32x4.max(large, small);
  return f32x4.min(large, small);
}

function repeat<T>(outer: i32, middle: i32, inner: i32, large: usize, small: usize, to: usize): void {
  const stretch = <usize>(inner == 1 ? middle : inner) << 2;
  const repeats = inner == 1 ? 1 : middle;
  for (let i = 0; i < outer; i++) {
    for (let j = 0; j < repeats; j++) {
      if (inner == 1) withNumber<T>(stretch, large, small, to);
      else withStretch<T>(stretch, large, small, to);
      large += stretch;
      to += stretch;
    }
    small += <usize>inner << 2;
  }
}

function withStretch<T>(size: usize, large: usize, small: usize, to: usize): void {
  const end = to + size;
  for (; to + 16 <= end; to += 16, large += 16, small += 16) v128.store(to, apply<T>(v128.load(large), v128.load(small)));
  for (; to < end; to += 4, large += 4, small += 4) v128.store_lane<f32>(to, apply<T>(v128.load32_zero(large), v128.load32_zero(small)), 0);
}

function withNumber<T>(size: usize, large: usize, small: usize, to: usize): void {
  const number = v128.load32_splat(small);
  const end = to + size;
  for (; to + 16 <= end; to += 16, large += 16) v128.store(to, apply<T>(v128.load(large), number));
  for (; to < end; to += 4, large += 4) v128.store_lane<f32>(to, apply<T>(v128.load32_zero(large), number), 0);
}
