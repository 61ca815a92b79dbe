import type { Attack } from '@robustjs/core';
import { add, cast, dispose, div, greaterEqual, mul, sqrt, square, sub, type Tensor, tidy, zerosLike } from '@tensorflow/tfjs-core';
import { checkEven, checkKnown, checkLength, checkNorm, checkPositive, checkWhole, finiteBudget, type ObjectiveName, objectiveNamed } from '../options.ts';
import { estimatedGradient } from './estimate.ts';

/** Options of {@link spsa}. */
export interface SpsaOptions {
  /** Forward passes a row at most, at least 1. Default 10000. */
  readonly queries?: number;
  /** Queries of each gradient estimate, even. Default 128. */
  readonly samples?: number;
  /** How far from the iterate the model is asked, in the units of the bounds. Default 0.01. */
  readonly radius?: number;
  /** Step size of Adam, about how far a value moves in a step. Default 0.01. */
  readonly alpha?: number | string;
  /** Default `'margin'`. */
  readonly objective?: ObjectiveName;
}

// Adam's usual constants.
const [BETA1, BETA2, TINY] = [0.9, 0.999, 1e-8];

/**
 * SPSA: Adam on a gradient estimated from scores at random signs, projected after each step. Works where a model is not smooth.
 * Linf only: Adam moves all values alike, which is no steepest step elsewhere.
 *
 * Source: Uesato et al., ICML 2018, section 4; settings of CleverHans.
 *
 * @throws RobustError `RJS_ATTACK_OPTION`, `RJS_EPS` for `alpha`, and in the search `RJS_ATTACK_BUDGET` without a budget,
 * and `RJS_ATTACK_NORM` under another norm than Linf.
 */
export function spsa(options: SpsaOptions = {}): Attack {
  checkKnown(options, ['queries', 'samples', 'radius', 'alpha', 'objective']);
  const { objective = 'margin' } = options;
  const queries = checkWhole('queries', options.queries ?? 10000, 1);
  const samples = checkEven('samples', options.samples ?? 128);
  const radius = checkPositive('radius', options.radius ?? 0.01);
  const alpha = checkLength('alpha', options.alpha ?? 0.01);
  return {
    id: 'spsa',
    config: { queries, samples, radius, alpha, objective },
    objective: objectiveNamed(objective),
    async search(search) {
      checkNorm(search.threat, ['Linf']);
      finiteBudget(search.threat);
      search.offer(search.clean);
      // The iterate and Adam's two moments.
      let state: [Tensor, Tensor, Tensor] = [search.clean.clone(), zerosLike(search.clean), zerosLike(search.clean)];
      state = await search.compact(...state);
      for (let step = 0; 1 + (step + 1) * (samples + 1) <= queries && search.rows > 0; step++) {
        const [inputs, first, second] = state;
        const signs = (pair: number): Tensor => randomSigns(search.random.split('direction', step, pair).uniformRows(search.ids, inputs.shape.slice(1)));
        const estimate = estimatedGradient(search, inputs, samples / 2, radius, signs);
        const next = tidy((): [Tensor, Tensor, Tensor] => {
          const mean = add(mul(first, BETA1), mul(estimate, 1 - BETA1));
          const spread = add(mul(second, BETA2), mul(square(estimate), 1 - BETA2));
          const [m, v] = [div(mean, 1 - BETA1 ** (step + 1)), div(spread, 1 - BETA2 ** (step + 1))];
          return [search.project(add(inputs, mul(div(m, add(sqrt(v), TINY)), alpha))), mean, spread];
        });
        dispose([...state, estimate]);
        search.offer(next[0]);
        state = await search.compact(...next);
      }
      dispose(state);
    },
  };
}

/** -1 below a half, else 1; takes over the draws. */
function randomSigns(draws: Tensor): Tensor {
  const signs = tidy(() => sub(mul(cast(greaterEqual(draws, 0.5), 'float32'), 2), 1));
  draws.dispose();
  return signs;
}
