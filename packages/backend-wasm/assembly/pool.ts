import { bytesOf, Four, get, One, put } from './lanes';
import { zero } from './pad';

/*
 * Pooling over [count, depth, rows, columns, channels]; 2-D data have depth 1. `geometry` holds five numbers an axis (depth, rows,
 * columns): input, output, window, stride, zeros before. Windows are cut at the border: what lies outside counts nowhere. The first
 * of equal maxima is the maximum, and a NaN is larger than any number, so that it shows.
 */

let depth: usize = 0;
let rows: usize = 0;
let columns: usize = 0;
let pixel: usize = 0;

function begin(geometry: usize, channels: i32): void {
  depth = geometry;
  rows = geometry + 20;
  columns = geometry + 40;
  pixel = <usize>channels << 2;
}

// @ts-ignore: decorator
@inline
function input(axis: usize): i32 {
  return load<i32>(axis);
}

// @ts-ignore: decorator
@inline
function output(axis: usize): i32 {
  return load<i32>(axis, 4);
}

function first(axis: usize, o: i32): i32 {
  return max(0, o * load<i32>(axis, 12) - load<i32>(axis, 16));
}

function end(axis: usize, o: i32): i32 {
  return min(load<i32>(axis), o * load<i32>(axis, 12) - load<i32>(axis, 16) + load<i32>(axis, 8));
}

class Max {}
class Average {}
class Scatter {}
class Gather {}
class Spread {}

/** The largest value of each window. */
export function maxPool(count: i32, channels: i32, geometry: usize, x: usize, y: usize): void {
  begin(geometry, channels);
  for (let n = 0; n < count; n++) eachWindow<Max>(x + image() * n, 0, y + result() * n);
}

/** The mean of each window. */
export function averagePool(count: i32, channels: i32, geometry: usize, x: usize, y: usize): void {
  begin(geometry, channels);
  for (let n = 0; n < count; n++) eachWindow<Average>(x + image() * n, 0, y + result() * n);
}

/** dx: each dy at the place of its window's maximum. */
export function maxPoolGradient(count: i32, channels: i32, geometry: usize, dy: usize, x: usize, dx: usize): void {
  begin(geometry, channels);
  zero(dx, image() * count);
  for (let n = 0; n < count; n++) eachWindow<Scatter>(x + image() * n, dx + image() * n, dy + result() * n);
}

/** The values of `from`, shaped as x, at the places of the maxima of x. */
export function maxPoolGather(count: i32, channels: i32, geometry: usize, from: usize, x: usize, y: usize): void {
  begin(geometry, channels);
  for (let n = 0; n < count; n++) eachWindow<Gather>(x + image() * n, from + image() * n, y + result() * n);
}

/** dx: each dy spread over its window in equal parts. */
export function averagePoolGradient(count: i32, channels: i32, geometry: usize, dy: usize, dx: usize): void {
  begin(geometry, channels);
  zero(dx, image() * count);
  for (let n = 0; n < count; n++) eachWindow<Spread>(dx + image() * n, 0, dy + result() * n);
}

/** Bytes of one example before and after pooling. */
function image(): usize {
  return <usize>input(depth) * input(rows) * input(columns) * pixel;
}

function result(): usize {
  return <usize>output(depth) * output(rows) * output(columns) * pixel;
}

function eachWindow<Task>(x: usize, more: usize, y: usize): void {
  for (let d = 0; d < output(depth); d++)
    for (let h = 0; h < output(rows); h++)
      for (let w = 0; w < output(columns); w++) {
        let c: usize = 0;
        for (; c + 16 <= pixel; c += 16) window<Task, Four>(d, h, w, c, x, more, y + c);
        for (; c < pixel; c += 4) window<Task, One>(d, h, w, c, x, more, y + c);
        y += pixel;
      }
}

/** One window of one channel, or of four side by side. */
function window<Task, T>(d: i32, h: i32, w: i32, c: usize, x: usize, more: usize, y: usize): void {
  const d0 = first(depth, d), d1 = end(depth, d);
  const h0 = first(rows, h), h1 = end(rows, h);
  const w0 = first(columns, w), w1 = end(columns, w);
  const line = <usize>input(columns) * pixel;
  const size = <f32>(max(0, d1 - d0) * max(0, h1 - h0) * max(0, w1 - w0));
  const empty = size == 0;
  const start = c + ((<usize>d0 * input(rows) + h0) * input(columns) + w0) * pixel;
  const extremes = idof<Task>() == idof<Scatter>() || idof<Task>() == idof<Gather>();
  let best = extremes && !empty ? get<T>(x + start) : f32x4.splat(idof<Task>() == idof<Average>() ? 0 : -Infinity);
  let place = i32x4.splat(<i32>start);
  const share = idof<Task>() == idof<Spread>() ? f32x4.div(get<T>(y), f32x4.splat(size)) : best;
  for (let i = d0; i < d1; i++)
    for (let j = h0; j < h1; j++) {
      let at = c + (<usize>i * input(rows) + j) * line + <usize>w0 * pixel;
      for (let k = w0; k < w1; k++, at += pixel) {
        if (idof<Task>() == idof<Spread>()) put<T>(x + at, f32x4.add(get<T>(x + at), share));
        else if (idof<Task>() == idof<Max>()) best = f32x4.max(best, get<T>(x + at));
        else if (idof<Task>() == idof<Average>()) best = f32x4.add(best, get<T>(x + at));
        else {
          const value = get<T>(x + at);
          const larger = v128.or(f32x4.gt(value, best), v128.and(f32x4.ne(value, value), f32x4.eq(best, best)));
          best = v128.bitselect(value, best, larger);
          place = v128.bitselect(i32x4.splat(<i32>at), place, larger);
        }
      }
    }
  if (idof<Task>() == idof<Max>()) put<T>(y, best);
  if (idof<Task>() == idof<Average>()) put<T>(y, f32x4.div(best, f32x4.splat(size)));
  if (idof<Task>() == idof<Scatter>() && !empty) {
    addAt(more + i32x4.extract_lane(place, 0), y);
    if (bytesOf<T>() == 16) {
      addAt(more + i32x4.extract_lane(place, 1) + 4, y + 4);
      addAt(more + i32x4.extract_lane(place, 2) + 8, y + 8);
      addAt(more + i32x4.extract_lane(place, 3) + 12, y + 12);
    }
  }
  if (idof<Task>() == idof<Gather>()) {
    take(more + i32x4.extract_lane(place, 0), y, empty);
    if (bytesOf<T>() == 16) {
      take(more + i32x4.extract_lane(place, 1) + 4, y + 4, empty);
      take(more + i32x4.extract_lane(place, 2) + 8, y + 8, empty);
      take(more + i32x4.extract_lane(place, 3) + 12, y + 12, empty);
    }
  }
}

// @ts-ignore: decorator
@inline
function addAt(to: usize, from: usize): void {
  store<f32>(to, load<f32>(to) + load<f32>(from));
}

// @ts-ignore: decorator
@inline
function take(from: usize, to: usize, empty: bool): void {
  store<f32>(to, empty ? 0 : load<f32>(from));
}
