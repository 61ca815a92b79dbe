import type { Bounds } from '@robustjs/core';

/** Norms that attacks by row measure in. */
export type RowNorm = 'Linf' | 'L2' | 'L1';

/** Length of the difference of two points. */
export function distanceOf(a: Float32Array, b: Float32Array, norm: RowNorm): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) {
    const change = Math.abs(a[i]! - b[i]!);
    if (norm === 'Linf') total = Math.max(total, change);
    else total += norm === 'L2' ? change * change : change;
  }
  return norm === 'L2' ? Math.sqrt(total) : total;
}

/** Euclidean length. */
export const lengthOf = (x: Float32Array): number => Math.sqrt(dot(x, x));

/** Inner product. */
export function dot(a: Float32Array, b: Float32Array): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i]! * b[i]!;
  return total;
}

/** `x + scale * direction`, in the box. */
export const moved = (x: Float32Array, direction: Float32Array, scale: number, [low, high]: Bounds): Float32Array =>
  x.map((value, i) => Math.min(high, Math.max(low, value + scale * direction[i]!)));

/** The point at this share of the way from one to another. */
export const between = (from: Float32Array, to: Float32Array, share: number): Float32Array =>
  from.map((value, i) => value + share * (to[i]! - value));

/** The point nearest to `x` in the cube of this radius around a centre. */
export const inCube = (x: Float32Array, centre: Float32Array, radius: number): Float32Array =>
  x.map((value, i) => Math.min(centre[i]! + radius, Math.max(centre[i]! - radius, value)));

/** Scaled by its Euclidean length; zero stays zero. */
export function ofLengthOne(x: Float32Array): Float32Array {
  const length = lengthOf(x);
  return length === 0 ? x : x.map((value) => value / length);
}

/** Whether two points are the same in float32. */
export const same = (a: Float32Array, b: Float32Array): boolean => a.every((value, i) => value === b[i]!);
