import { largest } from './largest';
import { keptWhere } from './relu';

/*
 * What a ReLU leaves is zero in half of its places or more, and sparse-product.ts and sparse-input-gradient.ts multiply only by the rest:
 * a list of entries, each a value and the offset of the filter row that it is multiplied by. Entries come in the order of the values, so a
 * window's part of one line of pixels is one stretch of the list.
 */

/** Bytes of an entry: a float, and an offset of 32 bits. */
export const ENTRY: usize = 8;

/** How many of some values are not 0. */
export function countNonzeros(count: i32, from: usize): i32 {
  const end = from + (<usize>count << 2);
  let zeros = i32x4.splat(0);
  for (; from + 16 <= end; from += 16) zeros = i32x4.sub(zeros, f32x4.eq(v128.load(from), f32x4.splat(0)));
  let nonzeros = count - i32x4.extract_lane(zeros, 0) - i32x4.extract_lane(zeros, 1) - i32x4.extract_lane(zeros, 2) - i32x4.extract_lane(zeros, 3);
  for (; from < end; from += 4) nonzeros -= <i32>(load<f32>(from) == 0);
  return nonzeros;
}

/** Whether no value is infinite or NaN: times 0 those are not 0. */
export function allFinite(count: i32, from: usize): bool {
  return largest(count, from) < <f32>Infinity;
}

/**
 * Lists images [count, height, width, channels] as pad.ts would pad them: `starts` is where each padded pixel's entries begin (around an
 * image there are none), and where the last one's end. An entry's offset is `step` bytes for each value in front of it in its line. Where
 * `y` is not 0, what belongs to a ReLU's output of zero there is taken as zero. Channels are a multiple of 4; four entries are written at a
 * time, those in want of a value to be written over. `shuffles`: for each set of four values, where they stand and their offsets, 16 bytes each.
 */
export function listNonzeros(
  count: i32, from: usize, y: usize, height: i32, width: i32, channels: i32, top: i32, bottom: i32, left: i32, right: i32,
  step: i32, shuffles: usize, to: usize, starts: usize,
): void {
  const wide = left + width + right;
  const size = <usize>channels << 2;
  for (let image = 0; image < count; image++) {
    starts = none(top * wide, starts, to);
    for (let row = 0; row < height; row++) {
      starts = none(left, starts, to);
      let offset = i32x4.splat(left * channels * step);
      for (let column = 0; column < width; column++) {
        store<u32>(starts, <u32>to);
        starts += 4;
        for (const end = from + size; from < end; from += 16) {
          let four = v128.load(from);
          if (y != 0) {
            four = keptWhere(four, v128.load(y));
            y += 16;
          }
          const set = i32x4.bitmask(f32x4.ne(four, f32x4.splat(0)));
          const shuffle = shuffles + (<usize>set << 5);
          const values = i8x16.swizzle(four, v128.load(shuffle));
          const offsets = i32x4.add(offset, v128.load(shuffle, 16));
          v128.store(to, i8x16.shuffle(values, offsets, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23));
          v128.store(to, i8x16.shuffle(values, offsets, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31), 16);
          to += <usize>i32.popcnt(set) * ENTRY;
          offset = i32x4.add(offset, i32x4.splat(4 * step));
        }
      }
      starts = none(right, starts, to);
    }
    starts = none(bottom * wide, starts, to);
  }
  store<u32>(starts, <u32>to);
}

/** Pixels without entries; gives the place after their starts. */
function none(count: i32, starts: usize, to: usize): usize {
  const end = starts + (<usize>count << 2);
  for (; starts < end; starts += 4) store<u32>(starts, <u32>to);
  return end;
}
