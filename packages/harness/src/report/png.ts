import type { Picture } from './types.ts';

/** A color a change of -1 or +1 is painted in; no change is the middle. Blue and vermilion: told apart by nearly everyone. */
const LESS = [0, 114, 178] as const;
const SAME = [244, 243, 240] as const;
const MORE = [213, 94, 0] as const;

/** Pixels ready to be written: 8 bits a value, channels last. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly data: Uint8Array;
}

/** The values of an image as bytes; values outside the bounds are cut off. */
export function imagePixels(values: Float32Array, shape: readonly number[], [low = 0, high = 1]: readonly number[]): Pixels {
  const toByte = (value: number): number => Math.round(Math.min(1, Math.max(0, (value - low) / (high - low))) * 255);
  const { height, width, depth, channels } = sizeOf(shape);
  const data = new Uint8Array(height * width * channels);
  for (let pixel = 0; pixel < height * width; pixel++) {
    for (let c = 0; c < channels; c++) data[pixel * channels + c] = toByte(values[pixel * depth + c] ?? low);
  }
  return { width, height, channels, data };
}

/**
 * What an attack changed. `largest` is the change that gets the full color. Grey images: blue is darker, vermilion is
 * lighter; color images: each channel around the middle.
 */
export function differencePixels({ clean, adversarial, shape }: Picture, largest: number): Pixels {
  const change = clean.map((value, i) => (largest > 0 ? Math.max(-1, Math.min(1, ((adversarial[i] ?? value) - value) / largest)) : 0));
  const { height, width, depth, channels } = sizeOf(shape);
  if (channels === 3) return imagePixels(change, shape, [-1, 1]);
  const data = new Uint8Array(height * width * 3);
  for (let pixel = 0; pixel < height * width; pixel++) data.set(diverging(change[pixel * depth] ?? 0), pixel * 3);
  return { width, height, channels: 3, data };
}

/** The largest change of any value in these pictures. */
export function largestChange(pictures: readonly Picture[]): number {
  let largest = 0;
  for (const { clean, adversarial } of pictures) {
    clean.forEach((value, i) => (largest = Math.max(largest, Math.abs((adversarial[i] ?? value) - value))));
  }
  return largest;
}

/** A PNG file as an address that holds the file itself. */
export async function pngDataUri({ width, height, channels, data }: Pixels): Promise<string> {
  const { encode } = await import('fast-png');
  return `data:image/png;base64,${Buffer.from(encode({ width, height, channels, depth: 8, data })).toString('base64')}`;
}

function diverging(change: number): number[] {
  const end = change < 0 ? LESS : MORE;
  return SAME.map((middle, i) => Math.round(middle + (end[i]! - middle) * Math.abs(change)));
}

// More than three channels cannot be painted; the first one stands for them, and for two.
function sizeOf([height = 1, width = 1, depth = 1]: readonly number[]): { height: number; width: number; depth: number; channels: 1 | 3 } {
  return { height, width, depth, channels: depth === 3 ? 3 : 1 };
}
