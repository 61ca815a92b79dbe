/*
 * How an attack's search judges the rows of a batch: comparisons with NaN are false throughout, as in the composition of ordinary
 * operations. Bools are bytes 1 and 0.
 */

/** Largest |x - clean| of each row; NaN where a value is: magnitudes are in the order of their bits, with NaN on top. */
export function linfDistance(rows: i32, size: i32, x: usize, clean: usize, to: usize): void {
  for (let row = 0; row < rows; row++, to += 4) {
    let all = i32x4.splat(0);
    const end = x + (<usize>size << 2);
    for (; x + 16 <= end; x += 16, clean += 16) all = i32x4.max_s(all, f32x4.abs(f32x4.sub(v128.load(x), v128.load(clean))));
    for (; x < end; x += 4, clean += 4) all = i32x4.max_s(all, f32x4.abs(f32x4.sub(v128.load32_splat(x), v128.load32_splat(clean))));
    all = i32x4.max_s(all, i8x16.shuffle(all, all, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
    store<i32>(to, max(i32x4.extract_lane(all, 0), i32x4.extract_lane(all, 1)));
  }
}

/** Euclidean length of x - clean of each row; squares are added one after the other, as in the composition. */
export function l2Distance(rows: i32, size: i32, x: usize, clean: usize, to: usize): void {
  for (let row = 0; row < rows; row++, to += 4) {
    let sum: f32 = 0;
    for (const end = x + (<usize>size << 2); x < end; x += 4, clean += 4) {
      const offset = load<f32>(x) - load<f32>(clean);
      sum += offset * offset;
    }
    store<f32>(to, sqrt<f32>(sum));
  }
}

/** Whether all outputs of each row are finite, and whether the row counts as adversarial: where it is not, in a search without targets. */
export function judgeOutputs(rows: i32, size: i32, outputs: usize, holds: usize, targeted: bool, finite: usize, adversarial: usize): void {
  for (let row = <usize>0; row < <usize>rows; row++) {
    let nothing: f32 = 0;
    const end = outputs + (<usize>size << 2);
    for (; outputs < end; outputs += 4) nothing += load<f32>(outputs) * 0;
    const is = nothing == 0;
    const held = load<u8>(holds + row) != 0;
    store<u8>(finite + row, <u8>is);
    store<u8>(adversarial + row, <u8>(targeted ? held && is : held || !is));
  }
}

/** Takes proposals over where they are better than what is kept; writes which are. See core's judge.ts. */
export function judgeRows(
  rows: i32, size: i32, x: usize, distances: usize, finite: usize, values: usize, adversarial: usize,
  keptValues: usize, keptDistances: usize, success: usize, rejected: usize, most: f32, low: f32, high: f32, nearest: bool,
  better: usize, toValues: usize, toDistances: usize, toSuccess: usize, toRejected: usize,
): void {
  for (let row = <usize>0; row < <usize>rows; row++, x += <usize>size << 2) {
    const at = row << 2;
    const distance = load<f32>(distances + at);
    const value = load<f32>(values + at);
    const keptValue = load<f32>(keptValues + at);
    const keptDistance = load<f32>(keptDistances + at);
    const broken = load<u8>(success + row) != 0;
    const allowed = distance <= most && inBox(size, x, low, high);
    const hit = allowed && load<u8>(adversarial + row) != 0;
    const larger = allowed && load<u8>(finite + row) != 0 && value > keptValue;
    const taken = (!broken && (hit || larger)) || (nearest && hit && distance < keptDistance);
    store<u8>(better + row, <u8>taken);
    store<f32>(toValues + at, taken ? value : keptValue);
    store<f32>(toDistances + at, taken && hit ? distance : keptDistance);
    store<u8>(toSuccess + row, <u8>(broken || hit));
    store<i32>(toRejected + at, load<i32>(rejected + at) + <i32>!allowed);
  }
}

/** Whether all values of a row lie in the box. */
function inBox(size: i32, x: usize, low: f32, high: f32): bool {
  let all = i32x4.splat(-1);
  const end = x + (<usize>size << 2);
  for (; x + 16 <= end; x += 16) all = v128.and(all, lanesInBox(v128.load(x), low, high));
  for (; x < end; x += 4) all = v128.and(all, lanesInBox(v128.load32_splat(x), low, high));
  return i32x4.all_true(all);
}

// @ts-ignore: decorator
@inline
function lanesInBox(value: v128, low: f32, high: f32): v128 {
  return v128.and(f32x4.ge(value, f32x4.splat(low)), f32x4.le(value, f32x4.splat(high)));
}

/** Whole rows of `yes` or of `no`, by one byte a row. */
export function selectRows(rows: i32, size: i32, mask: usize, yes: usize, no: usize, to: usize): void {
  const line = <usize>size << 2;
  for (let row = <usize>0; row < <usize>rows; row++) memory.copy(to + row * line, (load<u8>(mask + row) != 0 ? yes : no) + row * line, line);
}
