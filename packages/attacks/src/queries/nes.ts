import type { Attack } from '@robustjs/core';
import { add, concat, dispose, fill, less, maximum, mul, reshape, slice, squeeze, type Tensor, type Tensor1D, tidy, where, zerosLike } from '@tensorflow/tfjs-core';
import { checkEven, checkKnown, checkLength, checkPositive, checkProbability, checkWhole, finiteBudget, type ObjectiveName, objectiveNamed } from '../options.ts';
import { overRows } from '../rows.ts';
import { estimatedGradient } from './estimate.ts';

/** Options of {@link nes}. */
export interface NesOptions {
  /** Forward passes a row at most, at least 1. Default 10000. */
  readonly queries?: number;
  /** Queries of each gradient estimate, even. Default 50. */
  readonly samples?: number;
  /** How far from the iterate the model is asked, in the units of the bounds. Default 0.001. */
  readonly radius?: number;
  /** First step length, halved where progress stalls. Default: `eps / 5`, the authors' 0.01 at 0.05. */
  readonly alpha?: number | string;
  /** Share of the last gradient that stays, in [0, 1]. Default 0.9. */
  readonly decay?: number;
  /** Default `'cross-entropy'`. */
  readonly objective?: ObjectiveName;
}

// Values that progress is read from, and the shortest step as a share of the first.
const [WINDOW, SHORTEST] = [5, 1 / 200];

/**
 * NES: projected steepest steps along a gradient estimated from scores, with momentum. A row halves its step where the last of
 * five objectives is below the first.
 *
 * Source: Ilyas et al., ICML 2018, section 2.2 and the authors' code.
 *
 * @throws RobustError `RJS_ATTACK_OPTION`, `RJS_EPS` for `alpha`, and in the search `RJS_ATTACK_BUDGET` without a budget.
 */
export function nes(options: NesOptions = {}): Attack {
  checkKnown(options, ['queries', 'samples', 'radius', 'alpha', 'decay', 'objective']);
  const { alpha, objective = 'cross-entropy' } = options;
  const queries = checkWhole('queries', options.queries ?? 10000, 1);
  const samples = checkEven('samples', options.samples ?? 50);
  const radius = checkPositive('radius', options.radius ?? 1e-3);
  const decay = checkProbability('decay', options.decay ?? 0.9);
  const fixedAlpha = alpha === undefined ? undefined : checkLength('alpha', alpha);
  return {
    id: 'nes',
    config: { queries, samples, radius, alpha: fixedAlpha ?? 'eps / 5', decay, objective },
    objective: objectiveNamed(objective),
    async search(search) {
      const { threat, bounds } = search;
      const eps = finiteBudget(threat);
      const first = fixedAlpha ?? eps / 5;
      // The iterate, the momentum, the step length of each row, and its last objectives, NaN where there are none yet.
      let state = freshState(search.clean, search.query(search.clean), first);
      state = await search.compact(...state);
      for (let step = 0; 2 + (step + 1) * (samples + 1) <= queries && search.rows > 0; step++) {
        const [inputs, momentum, length, window] = state;
        const directions = (pair: number): Tensor => search.random.split('direction', step, pair).normalRows(search.ids, inputs.shape.slice(1));
        const estimate = estimatedGradient(search, inputs, samples / 2, radius, directions);
        const accumulated = tidy(() => add(mul(momentum, decay), mul(estimate, 1 - decay)));
        const moved = tidy(() => search.project(add(inputs, mul(threat.steepest(accumulated, inputs, bounds), overRows(length, inputs)))));
        const values = search.query(moved);
        const [shorter, seen] = shortened(length, window, values, first * SHORTEST);
        dispose([...state, estimate, values]);
        state = await search.compact(moved, accumulated, shorter, seen);
      }
      if (search.rows > 0) search.offer(state[0]);
      dispose(state);
    },
  };
}

type State = [inputs: Tensor, momentum: Tensor, length: Tensor, window: Tensor];

function freshState(clean: Tensor, values: Tensor1D, length: number): State {
  const rows = clean.shape[0];
  const window = appended(fill([rows, WINDOW], NaN), values);
  return [clean.clone(), zerosLike(clean), fill([rows], length), window];
}

/** The step lengths and objectives after one more objective: a row that fell back halves its step and forgets. */
function shortened(length: Tensor, window: Tensor, values: Tensor1D, shortest: number): [Tensor, Tensor] {
  const seen = appended(window.clone(), values.clone());
  const at = (place: number): Tensor => squeeze(slice(seen, [0, place], [-1, 1]), [1]);
  const results = tidy((): [Tensor, Tensor] => {
    // NaN compares as false: no row falls back before its window is full.
    const fellBack = less(at(WINDOW - 1), at(0));
    const shorter = where(fellBack, maximum(mul(length, 0.5), shortest), length);
    return [shorter, where(overRows(fellBack, seen), fill(seen.shape, NaN), seen)];
  });
  seen.dispose();
  return results;
}

/** The window moved on by one; takes over both. */
function appended(window: Tensor, values: Tensor1D): Tensor {
  const next = tidy(() => concat([slice(window, [0, 1], [-1, -1]), reshape(values, [-1, 1])], 1));
  dispose([window, values]);
  return next;
}
