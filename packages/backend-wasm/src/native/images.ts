import type { NativeFunctions } from './module.ts';
import type { Scratch } from './scratch.ts';

/** Images [height, width, channels] and the zeros that a kernel wants around them. */
export interface PaddedShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

/** Floats of padded images and output pixels worked on at a time: what a second-level cache holds beside a filter. */
const FLOATS_AT_ONCE = 24_576;
const PIXELS_AT_ONCE = 2048;

/** Floats that a tile may read behind the last image, without using them. */
const SLACK = 8;

/** Images in one block, from their shape alone. */
export function imagesAtOnce(shape: PaddedShape, pixels: number): number {
  return Math.max(1, Math.floor(Math.min(FLOATS_AT_ONCE / Math.max(1, imageFloats(shape)), PIXELS_AT_ONCE / Math.max(1, pixels))));
}

/** Width of a padded image in pixels. */
export const paddedWidth = ({ left, width, right }: PaddedShape): number => left + width + right;

/** Floats in one padded image. */
export function imageFloats(shape: PaddedShape): number {
  return (shape.top + shape.height + shape.bottom) * paddedWidth(shape) * shape.channels;
}

/** Gives the address of `count` padded images from the `first` on; valid until the next call. */
export type LoadImages = (first: number, count: number) => number;

/**
 * Padded images of a batch that lies at `from`; where there is nothing to pad they are used where they are. Where a ReLU's outputs lie
 * at `keptBy`, what belongs to one that is zero is taken as zero.
 */
export function loader(native: NativeFunctions, scratch: Scratch, from: number, shape: PaddedShape, atOnce: number, keptBy = 0): LoadImages {
  const { height, width, channels, top, bottom, left, right } = shape;
  const size = height * width * channels * 4;
  if (top + bottom + left + right === 0 && keptBy === 0) return (first) => from + first * size;
  const to = scratch.floats(atOnce * imageFloats(shape) + SLACK);
  return (first, count) => {
    if (keptBy === 0) native.pad(count, from + first * size, height, width, channels, to, top, bottom, left, right, channels);
    else native.padKept(count, from + first * size, keptBy + first * size, height, width, channels, to, top, bottom, left, right);
    return to;
  };
}
