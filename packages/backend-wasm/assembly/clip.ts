/** Values brought into [low, high]; NaN stays. */
export function clip(count: i32, from: usize, low: f32, high: f32, to: usize): void {
  const lower = f32x4.splat(low);
  const upper = f32x4.splat(high);
  const end = to + (<usize>count << 2);
  for (; to + 16 <= end; to += 16, from += 16) v128.store(to, f32x4.min(f32x4.max(v128.load(from), lower), upper));
  for (; to < end; to += 4, from += 4) v128.store_lane<f32>(to, f32x4.min(f32x4.max(v128.load32_zero(from), lower), upper), 0);
}
