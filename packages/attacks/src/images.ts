import { RobustError } from '@robustjs/core';
import { reshape, type Tensor, type Tensor4D } from '@tensorflow/tfjs-core';

/** Lengths of the axes of an image `[N, H, W, C]` or clip `[N, T, H, W, C]`. */
export interface ImageAxes {
  /** 1 for an image. */
  readonly frames: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/**
 * The axes of a batch of images or clips.
 *
 * @throws RobustError `RJS_ATTACK_INPUT` for inputs that are neither.
 */
export function imageAxes({ shape }: Tensor): ImageAxes {
  if (shape.length === 4 || shape.length === 5) {
    const [height, width, channels] = shape.slice(-3) as [number, number, number];
    return { frames: shape.length === 5 ? shape[1] : 1, height, width, channels };
  }
  throw new RobustError('RJS_ATTACK_INPUT', {
    expected: 'images [H, W, C] or clips [T, H, W, C], since this attack moves in space',
    got: `inputs of shape [${shape.slice(1).join(', ')}]`,
    fix: 'reshape inside the model, or use another attack',
  });
}

/** The frames of images or clips as rows of their own, `[N * T, H, W, C]`. */
export function framesOf(batch: Tensor): Tensor4D {
  const { height, width, channels } = imageAxes(batch);
  return reshape(batch, [-1, height, width, channels]);
}
