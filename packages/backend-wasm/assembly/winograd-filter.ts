import { madd } from './madd';
import { outer } from './outer';
import { A, AA, AAA, AT_0, AT_A, AT_B, B, BB, BBB, PLANES, ROW } from './winograd';

/*
 * The filter gradient of a 3x3 convolution by the same points as winograd.ts: correlating a 6x6 patch with a 4x4 tile of output
 * gradients gives 3x3 sums, F(3x3, 4x4), so patches are transformed alike. Products are summed over tiles before they are
 * transformed back.
 */

/** Transforms the 4x4 tiles at dy + sources[tile] of output gradients whose rows are `line` bytes long. */
export function winogradGradient(tiles: i32, sources: usize, dy: usize, line: usize, channels: i32, to: usize, plane: usize, lines: usize): void {
  const pixel = <usize>channels << 2;
  for (let tile = 0; tile < tiles; tile++) {
    const patch = dy + load<u32>(sources + (<usize>tile << 2));
    for (let c: usize = 0; c < pixel; c += 16) {
      let at = patch + c;
      for (let j: usize = 0; j < 64; j += 16, at += pixel) gradientLine(at, line, lines + j, ROW);
      let out = to + c;
      for (let i: usize = 0; i < 6 * ROW; i += ROW, out += 6 * plane) gradientLine(lines + i, 16, out, plane);
    }
    to += pixel;
  }
}

/** Four values, `step` bytes apart, as a polynomial at the six points, with their factors. */
// @ts-ignore: decorator
@inline
function gradientLine(from: usize, step: usize, to: usize, apart: usize): void {
  const g0 = v128.load(from), g1 = v128.load(from + step), g2 = v128.load(from + 2 * step), g3 = v128.load(from + 3 * step);
  const evenA = madd(g2, f32x4.splat(AA * AT_A), f32x4.mul(g0, f32x4.splat(AT_A)));
  const oddA = madd(g3, f32x4.splat(AAA * AT_A), f32x4.mul(g1, f32x4.splat(A * AT_A)));
  const evenB = madd(g2, f32x4.splat(BB * AT_B), f32x4.mul(g0, f32x4.splat(AT_B)));
  const oddB = madd(g3, f32x4.splat(BBB * AT_B), f32x4.mul(g1, f32x4.splat(B * AT_B)));
  v128.store(to, f32x4.mul(g0, f32x4.splat(AT_0)));
  v128.store(to + apart, f32x4.add(evenA, oddA));
  v128.store(to + 2 * apart, f32x4.sub(evenA, oddA));
  v128.store(to + 3 * apart, f32x4.add(evenB, oddB));
  v128.store(to + 4 * apart, f32x4.sub(evenB, oddB));
  v128.store(to + 5 * apart, g3);
}

/** Adds the products of patches and output gradients, summed over tiles, to `sums`: 36 planes [channels, channelsOut] without gaps. */
export function winogradSums(tiles: i32, channels: i32, a: usize, planeA: usize, channelsOut: i32, b: usize, planeB: usize, sums: usize): void {
  for (let p = 0; p < PLANES; p++) {
    outer(1, tiles, a, 0, <usize>channels << 2, b, 0, <usize>channelsOut << 2, 1, channels, 0, channelsOut, sums);
    a += planeA;
    b += planeB;
    sums += <usize>(channels * channelsOut) << 2;
  }
}

/** Transforms `count` (a multiple of 4) sums back into 3x3 filter taps, `count` values each. Says whether all are finite. */
export function winogradTaps(count: i32, sums: usize, to: usize, lines: usize): bool {
  const plane = <usize>count << 2;
  let check = f32x4.splat(0);
  for (let c: usize = 0; c < plane; c += 16) {
    let at = sums + c;
    for (let j: usize = 0; j < ROW; j += 16, at += plane) tapLine(at, 6 * plane, lines + j, ROW);
    let out = to + c;
    for (let i: usize = 0; i < 3 * ROW; i += ROW, out += 3 * plane) {
      tapLine(lines + i, 16, out, plane);
      // Zero times anything finite is zero, else NaN.
      check = f32x4.add(check, f32x4.mul(f32x4.add(f32x4.add(v128.load(out), v128.load(out + plane)), v128.load(out + 2 * plane)), f32x4.splat(0)));
    }
  }
  return v128.all_true<i32>(f32x4.eq(check, check));
}

// @ts-ignore: decorator
@inline
function tapLine(from: usize, step: usize, to: usize, apart: usize): void {
  const m1 = v128.load(from + step), m2 = v128.load(from + 2 * step), m3 = v128.load(from + 3 * step), m4 = v128.load(from + 4 * step);
  const sumA = f32x4.add(m1, m2), sumB = f32x4.add(m3, m4);
  v128.store(to, f32x4.add(f32x4.add(v128.load(from), sumA), sumB));
  v128.store(to + apart, madd(f32x4.sub(m3, m4), f32x4.splat(B), f32x4.mul(f32x4.sub(m1, m2), f32x4.splat(A))));
  v128.store(to + 2 * apart, madd(sumB, f32x4.splat(BB), madd(sumA, f32x4.splat(AA), v128.load(from + 5 * step))));
}
