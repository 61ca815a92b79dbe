import { madd } from './madd';
import { product } from './product';
import { rectify } from './relu';

/*
 * Winograd's minimal filtering F(4x4, 3x3) (Lavin and Gray, CVPR 2016, section 4): a 4x4 tile of outputs from a 6x6 patch with 36
 * products a pair of channels instead of 144. Transformed patches, filters and outputs are 36 planes each, `plane` bytes apart, one
 * matrix product a plane between them. Channels come in fours. Transforms add in a fixed order, so a tile's bits depend on nothing
 * but its patch.
 *
 * Polynomials are taken at 0, +-a, +-b and infinity with a = 3/4, b = 3/2. At the usual 1 and 2 rounding errors are four times as
 * large; here they are about those of a direct sum (1e-6 of the largest output). All but the filters' coefficients are exact.
 */

export const A: f32 = 0.75;
export const B: f32 = 1.5;
export const AA: f32 = A * A;
export const BB: f32 = B * B;
export const AAA: f32 = AA * A;
export const BBB: f32 = BB * B;
/** x^4 - SUM x^2 + PRODUCT vanishes at +-a and +-b. */
const PRODUCT: f32 = AA * BB;
const SUM: f32 = AA + BB;
/** Inverse products of a point's distances from the others. */
export const AT_0: f32 = 1 / PRODUCT;
export const AT_A: f32 = 1 / (2 * AA * (AA - BB));
export const AT_B: f32 = 1 / (2 * BB * (BB - AA));

export const PLANES: i32 = 36;
/** Bytes of a row of six vectors in `lines`, the memory for one patch between its two passes. */
export const ROW: usize = 96;

/** Transforms filters: tap (i, j) of the pair (r, f) stands at from + i * down + j * across + r * rowStep + f * columnStep. */
export function winogradFilter(
  from: usize, down: usize, across: usize,
  rows: i32, rowStep: usize, columns: i32, columnStep: usize,
  to: usize, plane: usize,
): void {
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const at = from + <usize>row * rowStep + <usize>column * columnStep;
      for (let i = 0; i < 6; i++) {
        const left = evaluated(i, load<f32>(at), load<f32>(at + down), load<f32>(at + 2 * down));
        const middle = evaluated(i, load<f32>(at + across), load<f32>(at + across + down), load<f32>(at + across + 2 * down));
        const next = at + 2 * across;
        const right = evaluated(i, load<f32>(next), load<f32>(next + down), load<f32>(next + 2 * down));
        for (let j = 0; j < 6; j++) store<f32>(to + <usize>(6 * i + j) * plane, evaluated(j, left, middle, right));
      }
      to += 4;
    }
  }
}

/** x + y t + z t^2 at point i, with that point's factor. */
function evaluated(i: i32, x: f32, y: f32, z: f32): f32 {
  if (i == 0) return x * AT_0;
  if (i == 1) return (x + A * y + AA * z) * AT_A;
  if (i == 2) return (x - A * y + AA * z) * AT_A;
  if (i == 3) return (x + B * y + BB * z) * AT_B;
  if (i == 4) return (x - B * y + BB * z) * AT_B;
  return z;
}

/** Transforms the 6x6 patches at a + sources[tile] of a padded image whose rows are `line` bytes long. */
export function winogradInput(tiles: i32, sources: usize, a: usize, line: usize, channels: i32, to: usize, plane: usize, lines: usize): void {
  const pixel = <usize>channels << 2;
  for (let tile = 0; tile < tiles; tile++) {
    const patch = a + load<u32>(sources + (<usize>tile << 2));
    for (let c: usize = 0; c < pixel; c += 16) {
      let at = patch + c;
      for (let j: usize = 0; j < ROW; j += 16, at += pixel) patchLine(at, line, lines + j, ROW);
      let out = to + c;
      for (let i: usize = 0; i < 6 * ROW; i += ROW, out += 6 * plane) patchLine(lines + i, 16, out, plane);
    }
    to += pixel;
  }
}

/** Six values, `step` bytes apart, to their transform. */
// @ts-ignore: decorator
@inline
function patchLine(from: usize, step: usize, to: usize, apart: usize): void {
  const d0 = v128.load(from), d1 = v128.load(from + step), d2 = v128.load(from + 2 * step);
  const d3 = v128.load(from + 3 * step), d4 = v128.load(from + 4 * step), d5 = v128.load(from + 5 * step);
  const evenA = madd(d2, f32x4.splat(-BB), d4), oddA = madd(d1, f32x4.splat(-BB), d3);
  const evenB = madd(d2, f32x4.splat(-AA), d4), oddB = madd(d1, f32x4.splat(-AA), d3);
  v128.store(to, madd(d0, f32x4.splat(PRODUCT), madd(d2, f32x4.splat(-SUM), d4)));
  v128.store(to + apart, madd(oddA, f32x4.splat(A), evenA));
  v128.store(to + 2 * apart, madd(oddA, f32x4.splat(-A), evenA));
  v128.store(to + 3 * apart, madd(oddB, f32x4.splat(B), evenB));
  v128.store(to + 4 * apart, madd(oddB, f32x4.splat(-B), evenB));
  v128.store(to + 5 * apart, madd(d1, f32x4.splat(PRODUCT), madd(d3, f32x4.splat(-SUM), d5)));
}

/** The product of transformed patches and filters, plane by plane; operands as in product.ts. */
export function winogradProduct(
  tiles: i32, sources: usize, targets: usize, a: usize, planeA: usize,
  channels: i32, b: usize, planeB: usize, columns: i32, c: usize, planeC: usize,
): void {
  for (let p = 0; p < PLANES; p++) {
    product(tiles, sources, targets, a, 1, channels, 0, b, columns, c, 0, false);
    a += planeA;
    b += planeB;
    c += planeC;
  }
}

/**
 * Transforms products back into the 4x4 outputs at to + targets[tile], whose lowest bits say how many columns (bits 0 and 1) and
 * rows (2 and 3) more than one exist. They end as in product.ts. Says whether all were finite before.
 */
export function winogradOutput(
  tiles: i32, targets: usize, from: usize, plane: usize, channels: i32, to: usize, line: usize, lines: usize, bias: usize, rectified: bool,
): bool {
  const pixel = <usize>channels << 2;
  let check = f32x4.splat(0);
  for (let tile = 0; tile < tiles; tile++) {
    const target = load<u32>(targets + (<usize>tile << 2));
    const start = to + (target & ~15);
    const columns = target & 3;
    const rows = <usize>((target >> 2) & 3) * line;
    for (let c: usize = 0; c < pixel; c += 16) {
      let at = from + c;
      for (let j: usize = 0; j < ROW; j += 16, at += plane) outputColumn(at, 6 * plane, lines + j);
      let row = lines;
      const level = bias == 0 ? f32x4.splat(0) : v128.load(bias + c);
      for (let i: usize = 0; i <= rows; i += line, row += ROW) check = outputRow(row, start + c + i, pixel, columns, check, level, rectified);
    }
    from += pixel;
  }
  return v128.all_true<i32>(f32x4.eq(check, check));
}

// @ts-ignore: decorator
@inline
function outputColumn(from: usize, step: usize, to: usize): void {
  const m1 = v128.load(from + step), m2 = v128.load(from + 2 * step), m3 = v128.load(from + 3 * step), m4 = v128.load(from + 4 * step);
  const sumA = f32x4.add(m1, m2), sumB = f32x4.add(m3, m4);
  const offA = f32x4.sub(m1, m2), offB = f32x4.sub(m3, m4);
  v128.store(to, f32x4.add(f32x4.add(v128.load(from), sumA), sumB));
  v128.store(to + ROW, madd(offB, f32x4.splat(B), f32x4.mul(offA, f32x4.splat(A))));
  v128.store(to + 2 * ROW, madd(sumB, f32x4.splat(BB), f32x4.mul(sumA, f32x4.splat(AA))));
  v128.store(to + 3 * ROW, madd(offB, f32x4.splat(BBB), madd(offA, f32x4.splat(AAA), v128.load(from + 5 * step))));
}

// @ts-ignore: decorator
@inline
function outputRow(from: usize, to: usize, pixel: usize, columns: u32, check: v128, level: v128, rectified: bool): v128 {
  const m1 = v128.load(from, 16), m2 = v128.load(from, 32), m3 = v128.load(from, 48), m4 = v128.load(from, 64);
  const sumA = f32x4.add(m1, m2), sumB = f32x4.add(m3, m4);
  const offA = f32x4.sub(m1, m2), offB = f32x4.sub(m3, m4);
  const y0 = f32x4.add(f32x4.add(v128.load(from), sumA), sumB);
  const y1 = madd(offB, f32x4.splat(B), f32x4.mul(offA, f32x4.splat(A)));
  const y2 = madd(sumB, f32x4.splat(BB), f32x4.mul(sumA, f32x4.splat(AA)));
  const y3 = madd(offB, f32x4.splat(BBB), madd(offA, f32x4.splat(AAA), v128.load(from, 80)));
  v128.store(to, ended(y0, level, rectified));
  if (columns > 0) v128.store(to + pixel, ended(y1, level, rectified));
  if (columns > 1) v128.store(to + 2 * pixel, ended(y2, level, rectified));
  if (columns > 2) v128.store(to + 3 * pixel, ended(y3, level, rectified));
  // Zero times anything finite is zero, else NaN.
  return f32x4.add(check, f32x4.mul(f32x4.add(f32x4.add(y0, y1), f32x4.add(y2, y3)), f32x4.splat(0)));
}

// @ts-ignore: decorator
@inline
function ended(y: v128, level: v128, rectified: bool): v128 {
  const sum = f32x4.add(y, level);
  return rectified ? rectify(sum) : sum;
}
