import type { ThreatModel } from '@robustjs/core';
import { add, clipByValue, greater, lessEqual, max, mul, reshape, sub, abs, cast, type Tensor, type Tensor1D, tensor4d, tidy, where } from '@tensorflow/tfjs-core';
import { imageAxes } from '../images.ts';
import { signs } from './signs.ts';
import { checkPixels } from './sizes.ts';

/**
 * A frame: everything within `width` pixels of a border may change, by any amount, in every frame of a clip; what lies inside stays
 * as it is. The distance of an input is the width of the narrowest frame that covers its changes. Works on images
 * `[H, W, C]` and clips `[T, H, W, C]`.
 *
 * Source: Zajac et al., AAAI 2019.
 *
 * @param width a whole number of pixels, or `Infinity`.
 * @throws RobustError `RJS_EPS`, and in use `RJS_ATTACK_INPUT` for inputs without space.
 */
export function framing(width: number | string): ThreatModel {
  const eps = checkPixels(width);
  return {
    norm: 'framing',
    eps,
    project: (inputs, clean, [low, high]) => tidy(() => where(framed(inputs, eps), clipByValue(inputs, low, high), clean)),
    randomStart: (clean, ids, random, [low, high]) =>
      tidy(() => where(framed(clean, eps), add(mul(random.uniformRows(ids, clean.shape.slice(1)), high - low), low), clean)),
    steepest: (gradient) => tidy(() => mul(signs(gradient), cast(framed(gradient, eps), 'float32'))),
    distance: (inputs, clean) =>
      tidy(() => {
        const changed = cast(greater(abs(sub(inputs, clean)), 0), 'float32');
        return max<Tensor1D>(reshape(mul(changed, depths(inputs)), [inputs.shape[0], -1]), 1);
      }),
  };
}

/** Whether each position lies in the frame, as bools that broadcast over `like`. */
export const framed = (like: Tensor, width: number): Tensor => lessEqual(depths(like), Math.min(width, 2 ** 24));

/** How many pixels lie between each position and the nearest border, itself included, `[1, H, W, 1]`. */
function depths(like: Tensor): Tensor {
  const { height, width } = imageAxes(like);
  const values = Float32Array.from({ length: height * width }, (_, place) => {
    const [i, j] = [Math.floor(place / width), place % width];
    return Math.min(i, height - 1 - i, j, width - 1 - j) + 1;
  });
  return tensor4d(values, [1, height, width, 1]);
}
