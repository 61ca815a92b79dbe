/** Width of a panel: the columns that one tile computes, two vectors. */
export const PANEL: i32 = 8;

/** Stores the first `count` (1 to 8) of eight columns; never writes beyond them. */
// @ts-ignore: decorator
@inline
export function storeColumns(to: usize, low: v128, high: v128, count: i32): void {
  if (count == PANEL) {
    v128.store(to, low);
    v128.store(to, high, 16);
  } else storeSome(to, low, high, count);
}

function storeSome(to: usize, low: v128, high: v128, count: i32): void {
  let rest = low;
  if (count >= 4) {
    v128.store(to, low);
    rest = high;
    to += 16;
    count -= 4;
  }
  if (count > 0) v128.store_lane<f32>(to, rest, 0);
  if (count > 1) v128.store_lane<f32>(to, rest, 1, 4);
  if (count > 2) v128.store_lane<f32>(to, rest, 2, 8);
}

/** Adds the first `count` (1 to 8) of eight columns to what stands there. */
// @ts-ignore: decorator
@inline
export function addColumns(to: usize, low: v128, high: v128, count: i32): void {
  if (count == PANEL) {
    v128.store(to, f32x4.add(v128.load(to), low));
    v128.store(to, f32x4.add(v128.load(to, 16), high), 16);
  } else addSome(to, low, high, count);
}

function addSome(to: usize, low: v128, high: v128, count: i32): void {
  for (let i = 0; i < count; i++) {
    const at = to + (<usize>i << 2);
    store<f32>(at, load<f32>(at) + f32x4.extract_lane(low, 0));
    low = i8x16.shuffle(low, high, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19);
    high = i8x16.shuffle(high, high, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3);
  }
}
