import type { Attack } from '@robustjs/core';
import { abs, add, div, floor, less, maximum, minimum, mul, sub, type Tensor1D, where } from '@tensorflow/tfjs-core';
import { type DualNorm, dualLengths, SMALLEST } from '../norms.ts';
import { marginObjective } from '../objectives.ts';
import { checkKnown, checkLength, checkNorm, checkShare, checkWhole } from '../options.ts';
import { intoBall } from './balls.ts';
import { cosine, radiusSearch, type RadiusStep } from './radius-search.ts';

/** Options of {@link fmn}. */
export interface FmnOptions {
  /** Default 100, as in Foolbox; the authors' class has 10, their experiments have up to 1000. */
  readonly steps?: number;
  /** Share by which the radius changes at first, in (0, 1); it falls to 0.001 along a cosine. Default 0.05. */
  readonly gamma?: number;
  /** Length of the first step, under L2 for every norm; it falls to a hundredth of it along a cosine. Default: the width of the box. */
  readonly alpha?: number | string;
}

/**
 * Fast minimum-norm attack, under Linf, L2, L1 and L0: steps along the gradient of the margin, then into a ball whose radius
 * shrinks where the input was adversarial and grows where it was not; before the first adversarial input it is the
 * distance at which a linear model would change its mind. With a finite eps the radius stays inside, and the first
 * adversarial input ends a row.
 *
 * A step is clipped to the box before it is projected, not after: the whole radius then goes into values that can move. The
 * authors' order finds nothing on half of the images of a network whose inputs lie at the bounds. (Foolbox's L2 attack of
 * this name does not project at all.) Under L0 the radius counts pixels, where the authors count values.
 *
 * Source: Pintor et al., NeurIPS 2021, algorithm 1.
 *
 * @throws RobustError `RJS_ATTACK_OPTION`, `RJS_EPS` for `alpha`, and in the search `RJS_ATTACK_NORM`.
 */
export function fmn(options: FmnOptions = {}): Attack {
  checkKnown(options, ['steps', 'gamma', 'alpha']);
  const steps = checkWhole('steps', options.steps ?? 100, 1);
  const gamma = checkShare('gamma', options.gamma ?? 0.05);
  const alpha = options.alpha === undefined ? undefined : checkLength('alpha', options.alpha);
  return {
    id: 'fmn',
    config: { steps, gamma, alpha: alpha ?? 'high - low' },
    objective: marginObjective,
    async search(search) {
      const norm = checkNorm(search.threat, ['Linf', 'L2', 'L1', 'L0']);
      const width = search.bounds[1] - search.bounds[0];
      const share = (step: number): number => 0.001 + (gamma - 0.001) * cosine(step, steps, 0);
      await radiusSearch(search, {
        steps,
        radius: norm === 'L0' ? 1 : Infinity,
        length: (step) => (alpha ?? width) * cosine(step, steps, 0.01),
        resize: (radius, seen, step) => (norm === 'L0' ? resizedCount(radius, seen, share(step)) : resized(radius, seen, share(step), norm)),
        place: (inputs, radius) => intoBall[norm](search, inputs, radius),
      });
    },
  };
}

/** Algorithm 1, lines 8 to 14. */
function resized(radius: Tensor1D, seen: RadiusStep, gamma: number, norm: DualNorm): Tensor1D {
  const { values, gradient, distances, adversarial, nearest } = seen;
  const toBoundary = div(abs(values), maximum(dualLengths(norm, gradient), SMALLEST));
  const outwards = where<Tensor1D>(less(nearest, 1e38), mul(radius, 1 + gamma), add(distances, toBoundary));
  return where(adversarial, minimum(mul(radius, 1 - gamma), nearest), outwards);
}

/** The same for a number of pixels: it changes by one at least. */
function resizedCount(radius: Tensor1D, { adversarial, nearest }: RadiusStep, gamma: number): Tensor1D {
  const fewer = minimum(minimum(sub(radius, 1), floor(mul(radius, 1 - gamma))), nearest);
  return where(adversarial, maximum(fewer, 0), maximum(add(radius, 1), floor(mul(radius, 1 + gamma))));
}
