import type { Attack } from '@robustjs/core';
import { dispose } from '@tensorflow/tfjs-core';
import { checkKnown, checkWhole, finiteBudget } from './options.ts';
import { marginObjective } from './objectives.ts';

/** Options of {@link noise}. */
export interface NoiseOptions {
  /** Random points tried a row. Default 100. */
  readonly draws?: number;
}

/**
 * Random points of the ball, without a gradient. Any attack worth its name is stronger: where this one wins, gradients
 * are masked (Carlini et al. 2019, "On Evaluating Adversarial Robustness").
 *
 * @throws RobustError `RJS_ATTACK_OPTION`, and in the search `RJS_ATTACK_BUDGET` without a budget.
 */
export function noise(options: NoiseOptions = {}): Attack {
  checkKnown(options, ['draws']);
  const draws = checkWhole('draws', options.draws ?? 100, 1);
  return {
    id: 'noise',
    config: { draws },
    objective: marginObjective,
    async search(search) {
      finiteBudget(search.threat);
      for (let draw = 0; draw < draws && search.rows > 0; draw++) {
        const { threat, clean, ids, random, bounds } = search;
        const point = threat.randomStart(clean, ids, random.split('draw', draw), bounds);
        search.offer(point);
        dispose(await search.compact(point));
      }
    },
  };
}
