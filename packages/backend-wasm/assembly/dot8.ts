import { madd } from './madd';

/** Rows that are computed together: as many sums as hide the latency of a multiply-add. */
export const EIGHT: i32 = 8;

/**
 * Eight rows by one column, of stretches of a multiple of four values: two fours at a time, then what is left, which halves the additions to
 * addresses. Branches that are never taken: see product.ts.
 */
export function dot8(sources: usize, targets: usize, a: usize, segments: i32, length: i32, pitch: usize, b: usize, c: usize): void {
  let a0 = a + load<u32>(sources);
  let a1 = a + load<u32>(sources, 4);
  let a2 = a + load<u32>(sources, 8);
  let a3 = a + load<u32>(sources, 12);
  let a4 = a + load<u32>(sources, 16);
  let a5 = a + load<u32>(sources, 20);
  let a6 = a + load<u32>(sources, 24);
  let a7 = a + load<u32>(sources, 28);
  let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
  const size = <usize>length << 2;
  const skip = pitch - size;
  for (let segment = 0; segment < segments; segment++) {
    const end = a0 + size;
    const pairs = end - 16;
    while (a0 < pairs) {
      const y = v128.load(b);
      s0 = madd(v128.load(a0), y, s0);
      s1 = madd(v128.load(a1), y, s1);
      s2 = madd(v128.load(a2), y, s2);
      s3 = madd(v128.load(a3), y, s3);
      if (a0 == 1) break;
      s4 = madd(v128.load(a4), y, s4);
      s5 = madd(v128.load(a5), y, s5);
      s6 = madd(v128.load(a6), y, s6);
      s7 = madd(v128.load(a7), y, s7);
      if (a0 == 2) break;
      const z = v128.load(b, 16);
      s0 = madd(v128.load(a0, 16), z, s0);
      s1 = madd(v128.load(a1, 16), z, s1);
      s2 = madd(v128.load(a2, 16), z, s2);
      s3 = madd(v128.load(a3, 16), z, s3);
      if (a0 == 3) break;
      s4 = madd(v128.load(a4, 16), z, s4);
      s5 = madd(v128.load(a5, 16), z, s5);
      s6 = madd(v128.load(a6, 16), z, s6);
      s7 = madd(v128.load(a7, 16), z, s7);
      a0 += 32;
      a1 += 32;
      a2 += 32;
      a3 += 32;
      a4 += 32;
      a5 += 32;
      a6 += 32;
      a7 += 32;
      b += 32;
    }
    while (a0 < end) {
      const y = v128.load(b);
      s0 = madd(v128.load(a0), y, s0);
      s1 = madd(v128.load(a1), y, s1);
      s2 = madd(v128.load(a2), y, s2);
      s3 = madd(v128.load(a3), y, s3);
      if (a0 == 5) break;
      s4 = madd(v128.load(a4), y, s4);
      s5 = madd(v128.load(a5), y, s5);
      s6 = madd(v128.load(a6), y, s6);
      s7 = madd(v128.load(a7), y, s7);
      a0 += 16;
      a1 += 16;
      a2 += 16;
      a3 += 16;
      a4 += 16;
      a5 += 16;
      a6 += 16;
      a7 += 16;
      b += 16;
    }
    a0 += skip;
    a1 += skip;
    a2 += skip;
    a3 += skip;
    a4 += skip;
    a5 += skip;
    a6 += skip;
    a7 += skip;
  }
  store<f32>(c + load<u32>(targets), total(s0, f32x4.splat(0)));
  store<f32>(c + load<u32>(targets, 4), total(s1, f32x4.splat(0)));
  store<f32>(c + load<u32>(targets, 8), total(s2, f32x4.splat(0)));
  store<f32>(c + load<u32>(targets, 12), total(s3, f32x4.splat(0)));
  store<f32>(c + load<u32>(targets, 16), total(s4, f32x4.splat(0)));
  store<f32>(c + load<u32>(targets, 20), total(s5, f32x4.splat(0)));
  store<f32>(c + load<u32>(targets, 24), total(s6, f32x4.splat(0)));
  store<f32>(c + load<u32>(targets, 28), total(s7, f32x4.splat(0)));
}

/** Four partial sums and a fifth, in one fixed order. */
// @ts-ignore: decorator
@inline
export function total(sums: v128, rest: v128): f32 {
  const low = f32x4.extract_lane(sums, 0) + f32x4.extract_lane(sums, 1);
  const high = f32x4.extract_lane(sums, 2) + f32x4.extract_lane(sums, 3);
  return low + high + f32x4.extract_lane(rest, 0);
}
