import { zero } from './pad';

/*
 * Sums [outer, count, inner] over its middle axis, times a factor. Rows are added in blocks of 64 whose sums are added in turn:
 * a fixed order, and shorter chains than one sum over everything.
 */

const BLOCK: i32 = 64;

export function sumMiddle(outer: i32, count: i32, inner: i32, from: usize, to: usize, factor: f32): void {
  const line = <usize>inner << 2;
  for (let i = 0; i < outer; i++) {
    zero(to, line);
    for (let row = 0; row < count; row += BLOCK) {
      const rows = min(BLOCK, count - row);
      addBlock(rows, line, from, to);
      from += <usize>rows * line;
    }
    for (let at = to; at < to + line; at += 4) store<f32>(at, load<f32>(at) * factor);
    to += line;
  }
}

function addBlock(rows: i32, line: usize, from: usize, to: usize): void {
  const end = to + line;
  for (; to + 32 <= end; to += 32, from += 32) {
    let low = f32x4.splat(0);
    let high = low;
    let at = from;
    for (let row = 0; row < rows; row++, at += line) {
      low = f32x4.add(low, v128.load(at));
      high = f32x4.add(high, v128.load(at, 16));
    }
    v128.store(to, f32x4.add(v128.load(to), low));
    v128.store(to, f32x4.add(v128.load(to, 16), high), 16);
  }
  for (; to < end; to += 4, from += 4) {
    let sum: f32 = 0;
    let at = from;
    for (let row = 0; row < rows; row++, at += line) sum += load<f32>(at);
    store<f32>(to, load<f32>(to) + sum);
  }
}
