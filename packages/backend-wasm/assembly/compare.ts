/** For each value whether it is greater (or less) than a number, as bytes 1 and 0; `step` 4: than the value at the same place behind `other`, 0: than the one there. */
export function compare(greater: bool, count: i32, from: usize, other: usize, step: usize, to: usize): void {
  const end = to + <usize>count;
  for (; to + 16 <= end; to += 16, from += 64, other += 16 * step) {
    const low = i16x8.narrow_i32x4_s(mask(greater, from, other, step), mask(greater, from + 16, other + 4 * step, step));
    const high = i16x8.narrow_i32x4_s(mask(greater, from + 32, other + 8 * step, step), mask(greater, from + 48, other + 12 * step, step));
    v128.store(to, v128.and(i8x16.narrow_i16x8_s(low, high), i8x16.splat(1)));
  }
  for (; to < end; to++, from += 4, other += step) {
    const value = load<f32>(from), limit = load<f32>(other);
    store<u8>(to, <u8>(greater ? value > limit : value < limit));
  }
}

// @ts-ignore: decorator
@inline
function mask(greater: bool, from: usize, other: usize, step: usize): v128 {
  const limits = step == 0 ? v128.load32_splat(other) : v128.load(other);
  return greater ? f32x4.gt(v128.load(from), limits) : f32x4.lt(v128.load(from), limits);
}
