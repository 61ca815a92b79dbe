import { reluGradient } from './relu';

/*
 * Copies images [count, height, width, channels] into scratch, with zeros around each image and, where a kernel wants whole
 * panels, behind each pixel's channels.
 */

export function pad(
  count: i32, from: usize, height: i32, width: i32, channels: i32,
  to: usize, top: i32, bottom: i32, left: i32, right: i32, channelsOut: i32,
): void {
  const pixel = <usize>channelsOut << 2;
  const line = <usize>(left + width + right) * pixel;
  const rowFrom = <usize>(width * channels) << 2;
  for (let image = 0; image < count; image++) {
    to = zero(to, <usize>top * line);
    for (let row = 0; row < height; row++) {
      to = zero(to, <usize>left * pixel);
      to = channelsOut == channels ? copy(to, from, rowFrom) : widen(to, from, width, channels, channelsOut);
      to = zero(to, <usize>right * pixel);
      from += rowFrom;
    }
    to = zero(to, <usize>bottom * line);
  }
}

/** The same of output gradients, which are 0 where a ReLU's output `y` is. */
export function padKept(
  count: i32, from: usize, y: usize, height: i32, width: i32, channels: i32, to: usize, top: i32, bottom: i32, left: i32, right: i32,
): void {
  const pixel = <usize>channels << 2;
  const line = <usize>(left + width + right) * pixel;
  const values = width * channels;
  const row = <usize>values << 2;
  for (let image = 0; image < count; image++) {
    to = zero(to, <usize>top * line);
    for (let i = 0; i < height; i++) {
      to = zero(to, <usize>left * pixel);
      reluGradient(from, y, to, values);
      to = zero(to + row, <usize>right * pixel);
      from += row;
      y += row;
    }
    to = zero(to, <usize>bottom * line);
  }
}

/** Both give the place after what they wrote; sizes are in bytes, multiples of 4. */
export function zero(to: usize, size: usize): usize {
  const end = to + size;
  for (; to + 16 <= end; to += 16) v128.store(to, f32x4.splat(0));
  for (; to < end; to += 4) store<f32>(to, 0);
  return end;
}

export function copy(to: usize, from: usize, size: usize): usize {
  const end = to + size;
  for (; to + 16 <= end; to += 16, from += 16) v128.store(to, v128.load(from));
  for (; to < end; to += 4, from += 4) store<f32>(to, load<f32>(from));
  return end;
}

function widen(to: usize, from: usize, width: i32, channels: i32, channelsOut: i32): usize {
  const size = <usize>channels << 2;
  const rest = <usize>(channelsOut - channels) << 2;
  for (let column = 0; column < width; column++) {
    to = zero(copy(to, from, size), rest);
    from += size;
  }
  return to;
}
