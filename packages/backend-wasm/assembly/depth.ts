import { copy, zero } from './pad';

/*
 * A 3-D convolution is a 2-D one whose channels are the depth slices under the filter: an example [depth, pixels, channels] becomes
 * [outputs, pixels, taps * channels]. Slices outside count as zeros.
 */

export function unfoldDepth(
  outputs: i32, taps: i32, stride: i32, dilation: i32, before: i32, depth: i32, pixels: i32, channels: i32, from: usize, to: usize,
): void {
  const pixel = <usize>channels << 2;
  for (let o = 0; o < outputs; o++)
    for (let p = 0; p < pixels; p++)
      for (let k = 0; k < taps; k++) {
        const d = o * stride + k * dilation - before;
        to = d < 0 || d >= depth ? zero(to, pixel) : copy(to, from + (<usize>d * pixels + p) * pixel, pixel);
      }
}

/** The gradient of that: slices that came from the same one are added up. */
export function foldDepth(
  outputs: i32, taps: i32, stride: i32, before: i32, depth: i32, pixels: i32, channels: i32, from: usize, to: usize,
): void {
  const pixel = <usize>channels << 2;
  zero(to, <usize>depth * pixels * pixel);
  for (let o = 0; o < outputs; o++)
    for (let p = 0; p < pixels; p++)
      for (let k = 0; k < taps; k++, from += pixel) {
        const d = o * stride + k - before;
        if (d >= 0 && d < depth) addStretch(to + (<usize>d * pixels + p) * pixel, from, pixel);
      }
}

function addStretch(to: usize, from: usize, size: usize): void {
  const end = to + size;
  for (; to + 16 <= end; to += 16, from += 16) v128.store(to, f32x4.add(v128.load(to), v128.load(from)));
  for (; to < end; to += 4, from += 4) store<f32>(to, load<f32>(to) + load<f32>(from));
}
