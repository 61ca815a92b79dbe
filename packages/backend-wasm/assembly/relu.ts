/** max(x, 0); NaN stays. */
export function relu(from: usize, to: usize, count: i32): void {
  const end = to + (<usize>count << 2);
  for (; to + 16 <= end; to += 16, from += 16) v128.store(to, rectify(v128.load(from)));
  for (; to < end; to += 4, from += 4) v128.store_lane<f32>(to, rectify(v128.load32_zero(from)), 0);
}

/** dy, but 0 where x <= 0; where x is NaN, dy passes. */
export function reluGradient(dy: usize, x: usize, to: usize, count: i32): void {
  const end = to + (<usize>count << 2);
  for (; to + 16 <= end; to += 16, dy += 16, x += 16) v128.store(to, keptWhere(v128.load(dy), v128.load(x)));
  for (; to < end; to += 4, dy += 4, x += 4) v128.store_lane<f32>(to, keptWhere(v128.load32_zero(dy), v128.load32_zero(x)), 0);
}

/** f32x4.max does the same with four times the instructions. */
// @ts-ignore: decorator
@inline
export function rectify(x: v128): v128 {
  return keptWhere(x, x);
}

/** dy, but 0 where x <= 0. */
// @ts-ignore: decorator
@inline
export function keptWhere(dy: v128, x: v128): v128 {
  return v128.andnot(dy, f32x4.le(x, f32x4.splat(0)));
}
