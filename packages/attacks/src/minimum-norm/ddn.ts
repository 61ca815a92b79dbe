import type { Attack, Search } from '@robustjs/core';
import { add, div, maximum, mul, round, sub, type Tensor, type Tensor1D, where } from '@tensorflow/tfjs-core';
import { checkKnown, checkLength, checkNorm, checkShare, checkWhole, type ObjectiveName, objectiveNamed } from '../options.ts';
import { overRows } from '../rows.ts';
import { cosine, radiusSearch } from './radius-search.ts';

/** Options of {@link ddn}. */
export interface DdnOptions {
  /** Default 100. */
  readonly steps?: number;
  /** Share by which the radius shrinks after an adversarial input and grows after another, in (0, 1). Default 0.05. */
  readonly gamma?: number;
  /** Radius to begin with, in the units of the bounds. Default: the width of the box. */
  readonly radius?: number | string;
  /** Length of the first step; it falls to a hundredth of it along a cosine. Default: the width of the box. */
  readonly alpha?: number | string;
  /** Rounds inputs to as many equidistant values, such as 256: the authors' default. Default: no rounding, as in Foolbox. */
  readonly levels?: number;
  /** Default `'cross-entropy'`. */
  readonly objective?: ObjectiveName;
}

const WIDTH = 'high - low';

/**
 * Decoupled direction and norm, a minimum-norm attack under L2: steps along the gradient, then onto a sphere that shrinks
 * where the input was adversarial and grows where it was not. With a finite eps the sphere stays inside, and the first
 * adversarial input ends a row.
 *
 * Source: Rony et al., CVPR 2019, algorithm 1.
 *
 * @throws RobustError `RJS_ATTACK_OPTION`, `RJS_EPS` for `radius` and `alpha`, and in the search `RJS_ATTACK_NORM`.
 */
export function ddn(options: DdnOptions = {}): Attack {
  checkKnown(options, ['steps', 'gamma', 'radius', 'alpha', 'levels', 'objective']);
  const { objective = 'cross-entropy' } = options;
  const steps = checkWhole('steps', options.steps ?? 100, 1);
  const gamma = checkShare('gamma', options.gamma ?? 0.05);
  const radius = options.radius === undefined ? undefined : checkLength('radius', options.radius);
  const alpha = options.alpha === undefined ? undefined : checkLength('alpha', options.alpha);
  const levels = options.levels === undefined ? undefined : checkWhole('levels', options.levels, 2);
  return {
    id: 'ddn',
    config: { steps, gamma, radius: radius ?? WIDTH, alpha: alpha ?? WIDTH, levels: levels ?? null, objective },
    objective: objectiveNamed(objective),
    async search(search) {
      checkNorm(search.threat, ['L2']);
      const width = search.bounds[1] - search.bounds[0];
      await radiusSearch(search, {
        steps,
        radius: radius ?? width,
        length: (step) => (alpha ?? width) * cosine(step, steps, 0.01),
        resize: (now, { adversarial }) => mul<Tensor1D>(now, where(adversarial, 1 - gamma, 1 + gamma)),
        place: (inputs, now) => rounded(search, onSphere(search, inputs, now), levels),
      });
    },
  };
}

/** Scaled to this distance from the clean input, outwards too. */
function onSphere({ clean, threat }: Search, inputs: Tensor, radius: Tensor1D): Tensor {
  const scale = div(radius, maximum(threat.distance(inputs, clean), 1e-12));
  return add(clean, mul(sub(inputs, clean), overRows(scale, inputs)));
}

/** To the nearest of equidistant values; a budget holds all the same. */
function rounded(search: Search, inputs: Tensor, levels: number | undefined): Tensor {
  if (levels === undefined) return inputs;
  const [low, high] = search.bounds;
  const unit = (high - low) / (levels - 1);
  const grid = add(mul(round(div(sub(inputs, low), unit)), unit), low);
  return search.threat.eps === Infinity ? grid : search.project(grid);
}
