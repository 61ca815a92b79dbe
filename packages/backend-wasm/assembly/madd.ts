/**
 * a * b + c in four lanes: rounded once where the module is built with relaxed SIMD, else twice. Every sum of products in
 * this folder goes through here, so that all tiles and tails of one build round alike.
 */
// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}
