/*
 * Winograd's minimal filtering F(2x2, 3x3) (Lavin and Gray, CVPR 2016, section 4.1): a 2x2 tile of outputs from a 4x4 patch with
 * 16 products a pair of channels instead of 36. Transformed patches, filters and outputs are 16 planes each, `plane` bytes apart,
 * one matrix product a plane (product.ts) between them. Channels come in fours. Transforms only add, in a fixed order, so a tile's
 * bits depend on nothing but its patch.
 */

/** Transforms filters: tap (i, j) of the pair (r, f) stands at from + i * down + j * across + r * rowStep + f * columnStep. */
export function winogradFilter(
  from: usize, down: usize, across: usize,
  rows: i32, rowStep: usize, columns: i32, columnStep: usize,
  to: usize, plane: usize,
): void {
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const at = from + <usize>row * rowStep + <usize>column * columnStep;
      filterRow(0, at, down, across, to, plane);
      filterRow(1, at, down, across, to, plane);
      filterRow(2, at, down, across, to, plane);
      filterRow(3, at, down, across, to, plane);
      to += 4;
    }
  }
}

/** Row `i` of G g G^T. */
function filterRow(i: i32, at: usize, down: usize, across: usize, to: usize, plane: usize): void {
  const a = mixed(i, at, down);
  const b = mixed(i, at + across, down);
  const c = mixed(i, at + 2 * across, down);
  to += <usize>(4 * i) * plane;
  store<f32>(to, a);
  store<f32>(to + plane, <f32>0.5 * (a + b + c));
  store<f32>(to + 2 * plane, <f32>0.5 * (a - b + c));
  store<f32>(to + 3 * plane, c);
}

/** Row `i` of G = (1 0 0, .5 .5 .5, .5 -.5 .5, 0 0 1) times one column of the filter. */
function mixed(i: i32, at: usize, down: usize): f32 {
  const a = load<f32>(at);
  const b = load<f32>(at + down);
  const c = load<f32>(at + 2 * down);
  if (i == 0) return a;
  if (i == 3) return c;
  return <f32>0.5 * (i == 1 ? a + b + c : a - b + c);
}

/** Transforms the 4x4 patches at a + sources[tile] of a padded image whose rows are `line` bytes long: B^T d B. */
export function winogradInput(tiles: i32, sources: usize, a: usize, line: usize, channels: i32, to: usize, plane: usize): void {
  const pixel = <usize>channels << 2;
  for (let tile = 0; tile < tiles; tile++) {
    const patch = a + load<u32>(sources + (<usize>tile << 2));
    for (let c: usize = 0; c < pixel; c += 16) patchLanes(patch + c, line, pixel, to + c, plane);
    to += pixel;
  }
}

// @ts-ignore: decorator
@inline
function patchLanes(from: usize, line: usize, pixel: usize, to: usize, plane: usize): void {
  const r1 = from + line, r2 = r1 + line, r3 = r2 + line;
  const a0 = v128.load(from), b0 = v128.load(r1), c0 = v128.load(r2), d0 = v128.load(r3);
  const a1 = v128.load(from + pixel), b1 = v128.load(r1 + pixel), c1 = v128.load(r2 + pixel), d1 = v128.load(r3 + pixel);
  const a2 = v128.load(from + 2 * pixel), b2 = v128.load(r1 + 2 * pixel), c2 = v128.load(r2 + 2 * pixel), d2 = v128.load(r3 + 2 * pixel);
  const a3 = v128.load(from + 3 * pixel), b3 = v128.load(r1 + 3 * pixel), c3 = v128.load(r2 + 3 * pixel), d3 = v128.load(r3 + 3 * pixel);
  lineOut(f32x4.sub(a0, c0), f32x4.sub(a1, c1), f32x4.sub(a2, c2), f32x4.sub(a3, c3), to, plane);
  lineOut(f32x4.add(b0, c0), f32x4.add(b1, c1), f32x4.add(b2, c2), f32x4.add(b3, c3), to + 4 * plane, plane);
  lineOut(f32x4.sub(c0, b0), f32x4.sub(c1, b1), f32x4.sub(c2, b2), f32x4.sub(c3, b3), to + 8 * plane, plane);
  lineOut(f32x4.sub(b0, d0), f32x4.sub(b1, d1), f32x4.sub(b2, d2), f32x4.sub(b3, d3), to + 12 * plane, plane);
}

// @ts-ignore: decorator
@inline
function lineOut(t0: v128, t1: v128, t2: v128, t3: v128, to: usize, plane: usize): void {
  v128.store(to, f32x4.sub(t0, t2));
  v128.store(to + plane, f32x4.add(t1, t2));
  v128.store(to + 2 * plane, f32x4.sub(t2, t1));
  v128.store(to + 3 * plane, f32x4.sub(t1, t3));
}

/**
 * Transforms products back, A^T m A, into the 2x2 outputs at to + targets[tile], whose lowest bits say whether the tile's second
 * column (1) and second row (2) exist. Says whether all that was written is finite.
 */
export function winogradOutput(tiles: i32, targets: usize, from: usize, plane: usize, channels: i32, to: usize, line: usize): bool {
  const pixel = <usize>channels << 2;
  const none = f32x4.splat(0);
  let check = none;
  for (let tile = 0; tile < tiles; tile++) {
    const target = load<u32>(targets + (<usize>tile << 2));
    const start = to + (target & ~3);
    for (let c: usize = 0; c < pixel; c += 16) {
      const at = from + c;
      const m0 = v128.load(at + 0 * plane), n0 = v128.load(at + 4 * plane), o0 = v128.load(at + 8 * plane), p0 = v128.load(at + 12 * plane);
      const m1 = v128.load(at + 1 * plane), n1 = v128.load(at + 5 * plane), o1 = v128.load(at + 9 * plane), p1 = v128.load(at + 13 * plane);
      const m2 = v128.load(at + 2 * plane), n2 = v128.load(at + 6 * plane), o2 = v128.load(at + 10 * plane), p2 = v128.load(at + 14 * plane);
      const m3 = v128.load(at + 3 * plane), n3 = v128.load(at + 7 * plane), o3 = v128.load(at + 11 * plane), p3 = v128.load(at + 15 * plane);
      const t0 = f32x4.add(f32x4.add(m0, n0), o0), u0 = f32x4.sub(f32x4.sub(n0, o0), p0);
      const t1 = f32x4.add(f32x4.add(m1, n1), o1), u1 = f32x4.sub(f32x4.sub(n1, o1), p1);
      const t2 = f32x4.add(f32x4.add(m2, n2), o2), u2 = f32x4.sub(f32x4.sub(n2, o2), p2);
      const t3 = f32x4.add(f32x4.add(m3, n3), o3), u3 = f32x4.sub(f32x4.sub(n3, o3), p3);
      const y0 = f32x4.add(f32x4.add(t0, t1), t2), y1 = f32x4.sub(f32x4.sub(t1, t2), t3);
      const z0 = f32x4.add(f32x4.add(u0, u1), u2), z1 = f32x4.sub(f32x4.sub(u1, u2), u3);
      const out = start + c;
      v128.store(out, y0);
      if (target & 1) v128.store(out + pixel, y1);
      if (target & 2) v128.store(out + line, z0);
      if ((target & 3) == 3) v128.store(out + line + pixel, z1);
      // Zero times anything finite is zero, else NaN.
      check = f32x4.add(check, f32x4.mul(f32x4.add(f32x4.add(y0, y1), f32x4.add(z0, z1)), none));
    }
    from += pixel;
  }
  return v128.all_true<i32>(f32x4.eq(check, check));
}
