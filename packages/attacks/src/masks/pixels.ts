import type { ThreatModel } from '@robustjs/core';
import { max, reshape, type Tensor, type Tensor1D, tidy, unstack, stack } from '@tensorflow/tfjs-core';
import { framesOf } from '../images.ts';
import { l0 } from '../threats/l0.ts';

/**
 * Pixels: at most `count` positions of an image may change, in all channels and by any amount; in a clip that many in each
 * frame. On images it is `l0`.
 *
 * @param count a whole number, or `Infinity`.
 * @throws RobustError `RJS_EPS`, and in use `RJS_ATTACK_INPUT` for inputs without space.
 */
export function pixels(count: number | string): ThreatModel {
  const inFrame = l0(count);
  const byFrame = (result: (...frames: Tensor[]) => Tensor, ...batches: Tensor[]): Tensor =>
    tidy(() => reshape(result(...batches.map(framesOf)), batches[0]!.shape));
  return {
    norm: 'pixels',
    eps: inFrame.eps,
    project: (inputs, clean, bounds) => byFrame((x, y) => inFrame.project(x, y, bounds), inputs, clean),
    randomStart: (clean, ids, random, bounds) =>
      tidy(() => {
        framesOf(clean);
        if (clean.rank < 5) return inFrame.randomStart(clean, ids, random, bounds);
        return stack(unstack(clean, 1).map((frame, t) => inFrame.randomStart(frame, ids, random.split('frame', t), bounds)), 1);
      }),
    steepest: (gradient, inputs, bounds) => byFrame((g, x) => inFrame.steepest(g, x, bounds), gradient, inputs),
    distance: (inputs, clean) =>
      tidy(() => max<Tensor1D>(reshape(inFrame.distance(framesOf(inputs), framesOf(clean)), [inputs.shape[0], -1]), 1)),
  };
}
