/** The gradient of a sum or mean over a middle axis: [outer, inner] repeated to [outer, count, inner], divided by a number. */
export function repeatMiddle(outer: i32, count: i32, inner: i32, from: usize, to: usize, divisor: f32): void {
  const line = <usize>inner << 2;
  const by = f32x4.splat(divisor);
  for (let i = 0; i < outer; i++) {
    if (inner == 1) to = fill(to, <usize>count << 2, load<f32>(from) / divisor);
    else for (let j = 0; j < count; j++) to = divided(to, from, line, by);
    from += line;
  }
}

function fill(to: usize, size: usize, value: f32): usize {
  const end = to + size;
  const lanes = f32x4.splat(value);
  for (; to + 16 <= end; to += 16) v128.store(to, lanes);
  for (; to < end; to += 4) store<f32>(to, value);
  return end;
}

function divided(to: usize, from: usize, size: usize, by: v128): usize {
  const end = to + size;
  for (; to + 16 <= end; to += 16, from += 16) v128.store(to, f32x4.div(v128.load(from), by));
  for (; to < end; to += 4, from += 4) v128.store_lane<f32>(to, f32x4.div(v128.load32_zero(from), by), 0);
  return end;
}
