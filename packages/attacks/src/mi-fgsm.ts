import type { Attack } from '@robustjs/core';
import { abs, add, div, dispose, maximum, mul, reshape, sum, type Tensor, tidy, zerosLike } from '@tensorflow/tfjs-core';
import { checkKnown, checkLength, checkNonNegative, checkWhole, finiteBudget, type ObjectiveName, objectiveNamed } from './options.ts';
import { projectedStep } from './step.ts';

/** Options of {@link miFgsm}. */
export interface MiFgsmOptions {
  /** Default 10. */
  readonly steps?: number;
  /** Step length. Default: `eps / steps`, as in the paper. */
  readonly alpha?: number | string;
  /** Share of the accumulated gradient that each step keeps, mu in the paper. 0: BIM. Default 1. */
  readonly decay?: number;
  /** Default `'cross-entropy'`. */
  readonly objective?: ObjectiveName;
}

/**
 * Momentum iterative FGSM: steps along an accumulated gradient, which transfers better between models. Starts at the
 * clean input. Each gradient is scaled to L1 length 1 before it is added (some libraries take its sign instead).
 *
 * Source: Dong et al., CVPR 2018, algorithm 1.
 *
 * @throws RobustError `RJS_ATTACK_OPTION`, `RJS_EPS` for `alpha`, and in the search `RJS_ATTACK_BUDGET` without a budget.
 */
export function miFgsm(options: MiFgsmOptions = {}): Attack {
  checkKnown(options, ['steps', 'alpha', 'decay', 'objective']);
  const { alpha, objective = 'cross-entropy' } = options;
  const decay = checkNonNegative('decay', options.decay ?? 1);
  const steps = checkWhole('steps', options.steps ?? 10, 1);
  const fixedAlpha = alpha === undefined ? undefined : checkLength('alpha', alpha);
  return {
    id: 'mi-fgsm',
    config: { steps, alpha: fixedAlpha ?? 'eps / steps', decay, objective },
    objective: objectiveNamed(objective),
    async search(search) {
      const eps = finiteBudget(search.threat);
      const length = fixedAlpha ?? eps / steps;
      let inputs = search.clean.clone();
      let momentum: Tensor = zerosLike(inputs);
      for (let step = 0; step < steps && search.rows > 0; step++) {
        const gradient = search.gradient(inputs);
        const accumulated = tidy(() => add(mul(momentum, decay), ofLengthOne(gradient)));
        const moved = projectedStep(search, inputs, accumulated, length);
        dispose([inputs, momentum, gradient]);
        [inputs, momentum] = await search.compact(moved, accumulated);
      }
      if (search.rows > 0) search.offer(inputs);
      dispose([inputs, momentum]);
    },
  };
}

/** Each row scaled to L1 length 1; a zero row stays zero, but not one of a confident model's tiny gradients. */
function ofLengthOne(gradient: Tensor): Tensor {
  const [count, ...rest] = gradient.shape;
  const length = sum(abs(reshape(gradient, [count, -1])), 1);
  return div(gradient, reshape(maximum(length, 1e-37), [count, ...rest.map(() => 1)]));
}
