/** The largest magnitude of `size` values; NaN where one is. */
export function largest(size: i32, from: usize): f32 {
  let all = f32x4.splat(0);
  const end = from + (<usize>size << 2);
  for (; from + 16 <= end; from += 16) all = f32x4.max(all, f32x4.abs(v128.load(from)));
  for (; from < end; from += 4) all = f32x4.max(all, f32x4.abs(v128.load32_splat(from)));
  return max<f32>(max<f32>(f32x4.extract_lane(all, 0), f32x4.extract_lane(all, 1)), max<f32>(f32x4.extract_lane(all, 2), f32x4.extract_lane(all, 3)));
}
