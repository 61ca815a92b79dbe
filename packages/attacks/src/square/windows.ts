import { mul, type Tensor, tensor4d, tidy } from '@tensorflow/tfjs-core';

/** Height, width and channels. */
export type ImageShape = readonly [height: number, width: number, channels: number];

/** Upper left corner of a window. */
export interface Corner {
  readonly top: number;
  readonly left: number;
}

/**
 * A window's place by two draws from [0, 1). Every place is possible, as in the paper; the code never takes the last one on
 * an axis, so that it all but spares an image's last row and column.
 */
export function cornerAt(vertical: number, horizontal: number, side: number, [height, width]: ImageShape): Corner {
  return { top: Math.floor(vertical * (height - side + 1)), left: Math.floor(horizontal * (width - side + 1)) };
}

/**
 * Windows of this side, one an image, filled with a value for each channel, zero elsewhere: `[N, H, W, C]`.
 *
 * @param fill values by image and channel, or 1 in a single channel.
 */
export function windows(corners: readonly Corner[], side: number, [height, width]: ImageShape, fill: readonly ArrayLike<number>[] | 1): Tensor {
  const channels = fill === 1 ? 1 : (fill[0]?.length ?? 1);
  const down = new Float32Array(corners.length * height);
  const across = new Float32Array(corners.length * width * channels);
  corners.forEach(({ top, left }, row) => {
    down.fill(1, row * height + top, row * height + top + side);
    for (let x = left; x < left + side; x++) {
      for (let c = 0; c < channels; c++) across[(row * width + x) * channels + c] = fill === 1 ? 1 : fill[row]![c]!;
    }
  });
  return tidy(() => mul(tensor4d(down, [corners.length, height, 1, 1]), tensor4d(across, [corners.length, 1, width, channels])));
}

/** -1 or 1 for each draw from [0, 1). */
export const signsOf = (draws: Float32Array): Float32Array => draws.map((u) => (u < 0.5 ? -1 : 1));
