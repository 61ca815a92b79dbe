/*
 * Functions over channels take four at a time and the rest one by one. Written once for both: a type parameter says how many
 * values a load or store moves; lanes are independent, so both round alike.
 */

export class Four {}
export class One {}

// @ts-ignore: decorator
@inline
export function bytesOf<T>(): usize {
  return idof<T>() == idof<Four>() ? 16 : 4;
}

// @ts-ignore: decorator
@inline
export function get<T>(at: usize): v128 {
  return idof<T>() == idof<Four>() ? v128.load(at) : v128.load32_zero(at);
}

// @ts-ignore: decorator
@inline
export function put<T>(at: usize, value: v128): void {
  if (idof<T>() == idof<Four>()) v128.store(at, value);
  else v128.store_lane<f32>(at, value, 0);
}
