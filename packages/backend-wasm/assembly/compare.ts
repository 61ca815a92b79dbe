/** For each value whether it is greater (or less) than a number, as bytes 1 and 0. */
export function compareNumber(greater: bool, count: i32, from: usize, number: f32, to: usize): void {
  const limit = f32x4.splat(number);
  const end = to + <usize>count;
  for (; to + 16 <= end; to += 16, from += 64) {
    const low = i16x8.narrow_i32x4_s(mask(greater, from, limit), mask(greater, from + 16, limit));
    const high = i16x8.narrow_i32x4_s(mask(greater, from + 32, limit), mask(greater, from + 48, limit));
    v128.store(to, v128.and(i8x16.narrow_i16x8_s(low, high), i8x16.splat(1)));
  }
  for (; to < end; to++, from += 4) {
    const value = load<f32>(from);
    store<u8>(to, <u8>(greater ? value > number : value < number));
  }
}

// @ts-ignore: decorator
@inline
function mask(greater: bool, from: usize, limit: v128): v128 {
  return greater ? f32x4.gt(v128.load(from), limit) : f32x4.lt(v128.load(from), limit);
}
