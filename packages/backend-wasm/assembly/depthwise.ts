import { Four, get, One, put } from './lanes';
import { madd } from './madd';

/*
 * Depthwise convolution: every channel with a filter [rows, columns] of its own, channels side by side. Where a channel has several
 * filters it is repeated beforehand (widen) and its gradients are added up afterwards (narrow).
 */

/**
 * y[o, c] = sum over taps of a[stride * o + tap, c] w[tap, c] for one padded image; steps in bytes, `down` and `across` between
 * neighbouring outputs, `tapDown` and `tapAcross` between the taps of a window.
 */
export function depthwise(
  rows: i32, columns: i32, channels: i32, a: usize, down: usize, across: usize,
  filter: usize, tapRows: i32, tapColumns: i32, tapDown: usize, tapAcross: usize, y: usize,
): void {
  const pixel = <usize>channels << 2;
  for (let row = 0; row < rows; row++, a += down) {
    let at = a;
    let column = 0;
    for (; column + 4 <= columns; column += 4, at += 4 * across, y += 4 * pixel) {
      let c: usize = 0;
      for (; c + 16 <= pixel; c += 16) outputs4<Four>(at + c, across, filter + c, tapRows, tapColumns, tapDown, tapAcross, pixel, y + c);
      for (; c < pixel; c += 4) outputs4<One>(at + c, across, filter + c, tapRows, tapColumns, tapDown, tapAcross, pixel, y + c);
    }
    for (; column < columns; column++, at += across, y += pixel) {
      let c: usize = 0;
      for (; c + 16 <= pixel; c += 16) output1<Four>(at + c, filter + c, tapRows, tapColumns, tapDown, tapAcross, pixel, y + c);
      for (; c < pixel; c += 4) output1<One>(at + c, filter + c, tapRows, tapColumns, tapDown, tapAcross, pixel, y + c);
    }
  }
}

// @ts-ignore: decorator
@inline
function output1<T>(a: usize, filter: usize, tapRows: i32, tapColumns: i32, tapDown: usize, tapAcross: usize, pixel: usize, y: usize): void {
  let sum = f32x4.splat(0);
  for (let i = 0; i < tapRows; i++, a += tapDown)
    for (let j = 0, at = a; j < tapColumns; j++, at += tapAcross, filter += pixel) sum = madd(get<T>(at), get<T>(filter), sum);
  put<T>(y, sum);
}

/** Four neighbouring outputs share the loads of the filter; each is a sum of its own. */
// @ts-ignore: decorator
@inline
function outputs4<T>(
  a: usize, across: usize, filter: usize, tapRows: i32, tapColumns: i32, tapDown: usize, tapAcross: usize, pixel: usize, y: usize,
): void {
  let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
  for (let i = 0; i < tapRows; i++, a += tapDown)
    for (let j = 0, at = a; j < tapColumns; j++, at += tapAcross, filter += pixel) {
      const w = get<T>(filter);
      s0 = madd(get<T>(at), w, s0);
      s1 = madd(get<T>(at + across), w, s1);
      s2 = madd(get<T>(at + 2 * across), w, s2);
      s3 = madd(get<T>(at + 3 * across), w, s3);
    }
  put<T>(y, s0);
  put<T>(y + pixel, s1);
  put<T>(y + 2 * pixel, s2);
  put<T>(y + 3 * pixel, s3);
}

/*
 * Both gradients visit every pair of an output and a tap whose input exists. `geometry` holds five numbers an axis (rows,
 * columns): input, output, window, stride, zeros before.
 */

/** dx of one image, added to what stands there. */
export function depthwiseInput(channels: i32, geometry: usize, dy: usize, filter: usize, dx: usize): void {
  const pixel = <usize>channels << 2;
  const columns = geometry + 20;
  const across = <usize>load<i32>(columns, 12) * pixel;
  for (let i = 0; i < load<i32>(geometry, 8); i++)
    for (let oh = firstOutput(geometry, i), last = lastOutput(geometry, i); oh <= last; oh++)
      for (let j = 0; j < load<i32>(columns, 8); j++) {
        const ow = firstOutput(columns, j);
        let from = dy + (<usize>oh * load<i32>(columns, 4) + ow) * pixel;
        let to = dx + (<usize>inputOf(geometry, oh, i) * load<i32>(columns) + inputOf(columns, ow, j)) * pixel;
        const w = filter + <usize>(i * load<i32>(columns, 8) + j) * pixel;
        for (let rest = lastOutput(columns, j) - ow; rest >= 0; rest--, from += pixel, to += across) addProducts(pixel, from, w, to);
      }
}

function addProducts(size: usize, a: usize, b: usize, to: usize): void {
  let at: usize = 0;
  for (; at + 16 <= size; at += 16) put<Four>(to + at, madd(get<Four>(a + at), get<Four>(b + at), get<Four>(to + at)));
  for (; at < size; at += 4) put<One>(to + at, madd(get<One>(a + at), get<One>(b + at), get<One>(to + at)));
}

/** dw of one image, added to what stands there. */
export function depthwiseFilter(channels: i32, geometry: usize, x: usize, dy: usize, dw: usize): void {
  const pixel = <usize>channels << 2;
  const columns = geometry + 20;
  for (let i = 0; i < load<i32>(geometry, 8); i++)
    for (let j = 0; j < load<i32>(columns, 8); j++, dw += pixel) {
      let c: usize = 0;
      for (; c + 16 <= pixel; c += 16) filterLanes<Four>(i, j, pixel, geometry, x + c, dy + c, dw + c);
      for (; c < pixel; c += 4) filterLanes<One>(i, j, pixel, geometry, x + c, dy + c, dw + c);
    }
}

// @ts-ignore: decorator
@inline
function filterLanes<T>(i: i32, j: i32, pixel: usize, geometry: usize, x: usize, dy: usize, dw: usize): void {
  const columns = geometry + 20;
  const across = <usize>load<i32>(columns, 12) * pixel;
  const ow = firstOutput(columns, j);
  const count = lastOutput(columns, j) - ow + 1;
  let sum = f32x4.splat(0);
  for (let oh = firstOutput(geometry, i), last = lastOutput(geometry, i); oh <= last; oh++) {
    let a = x + (<usize>inputOf(geometry, oh, i) * load<i32>(columns) + inputOf(columns, ow, j)) * pixel;
    let b = dy + (<usize>oh * load<i32>(columns, 4) + ow) * pixel;
    for (let k = 0; k < count; k++, a += across, b += pixel) sum = madd(get<T>(a), get<T>(b), sum);
  }
  put<T>(dw, f32x4.add(get<T>(dw), sum));
}

/** The first output whose window has an input under tap k. */
function firstOutput(axis: usize, k: i32): i32 {
  const stride = load<i32>(axis, 12);
  const before = load<i32>(axis, 16) - k;
  return before <= 0 ? 0 : (before + stride - 1) / stride;
}

function lastOutput(axis: usize, k: i32): i32 {
  const room = load<i32>(axis) - 1 + load<i32>(axis, 16) - k;
  return room < 0 ? -1 : min(load<i32>(axis, 4) - 1, room / load<i32>(axis, 12));
}

function inputOf(axis: usize, o: i32, k: i32): i32 {
  return o * load<i32>(axis, 12) + k - load<i32>(axis, 16);
}

/** Each of `count` values `times` times in a row. */
export function widen(count: i32, times: i32, from: usize, to: usize): void {
  for (let i = 0; i < count; i++, from += 4) for (let j = 0; j < times; j++, to += 4) store<f32>(to, load<f32>(from));
}

/** Sums of `times` neighbouring values each. */
export function narrow(count: i32, times: i32, from: usize, to: usize): void {
  for (let i = 0; i < count; i++, to += 4) {
    let sum: f32 = 0;
    for (let j = 0; j < times; j++, from += 4) sum += load<f32>(from);
    store<f32>(to, sum);
  }
}
