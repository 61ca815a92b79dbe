import type { Corner, ImageShape } from './windows.ts';

/**
 * A pattern of side x side values and length 1 in the L1 (power 1) or L2 (power 2) norm: two bumps one above the other, of
 * opposite signs. A bump is a sum of windows around its center that grow by one on each side, the j-th with weight 1 / j^2
 * under L2 and 1 / j^4 under L1.
 *
 * Source: Andriushchenko et al., ECCV 2020, section 3.3 and its code; L1: the code of AutoAttack.
 */
export function bumps(side: number, power: 1 | 2): Float32Array {
  const upper = Math.floor(side / 2);
  const pattern = new Float32Array(side * side);
  pattern.set(bump(upper, side, power));
  pattern.set(bump(side - upper, side, power).map((value) => -value), upper * side);
  return unit(pattern, power);
}

function bump(height: number, width: number, power: 1 | 2): Float32Array {
  const [middle, center] = [Math.floor(height / 2), Math.floor(width / 2)];
  const largest = Math.max(middle, center);
  const values = new Float32Array(height * width);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      // The windows that reach this value are those from its ring outwards.
      const ring = Math.max(Math.abs(y - middle), Math.abs(x - center));
      for (let j = ring; j <= largest; j++) values[y * width + x]! += (j + 1) ** (power === 2 ? -2 : -4);
    }
  }
  return unit(values, power);
}

function unit(values: Float32Array, power: 1 | 2): Float32Array {
  const total = values.reduce((sum, value) => sum + Math.abs(value) ** power, 0) ** (1 / power);
  return total === 0 ? values : values.map((value) => value / total);
}

/** Where and how a pattern goes into an image of a batch. */
export interface Stamp extends Corner {
  /** Place of the image in the batch. */
  readonly row: number;
  readonly transposed: boolean;
  /** A factor for each channel. */
  readonly signs: Float32Array;
}

/** Writes a square pattern into a batch `[N, H, W, C]`. */
export function stamp(batch: Float32Array, [height, width, channels]: ImageShape, pattern: Float32Array, { row, top, left, transposed, signs }: Stamp): void {
  const side = Math.sqrt(pattern.length);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const value = pattern[transposed ? x * side + y : y * side + x]!;
      const at = ((row * height + top + y) * width + left + x) * channels;
      for (let c = 0; c < channels; c++) batch[at + c] = value * signs[c]!;
    }
  }
}
