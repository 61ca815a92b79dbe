import type { Attack } from '@robustjs/core';
import { add, div, maximum, mul, tidy } from '@tensorflow/tfjs-core';
import { rowLengths, SMALLEST } from '../norms.ts';
import { checkKnown, checkLength, checkNorm, checkWhole, finiteBudget, type ObjectiveName, objectiveNamed } from '../options.ts';
import { descend } from '../pgd.ts';
import { overRows } from '../rows.ts';

/** Options of {@link pgdL0}. */
export interface PgdL0Options {
  /** Gradient steps in each restart. Default 100. */
  readonly steps?: number;
  /** L1 length of a step, in the units of the bounds. Default: 120000 / 255 widths of the box. */
  readonly alpha?: number | string;
  /** How often to start anew; each restart takes only the rows that still stand. Default 5. */
  readonly restarts?: number;
  /** Default `'cross-entropy'`. */
  readonly objective?: ObjectiveName;
}

/**
 * Projected gradient descent under L0: long steps along the whole gradient, scaled to a set L1 length, then the pixels stay
 * whose change matters most. Starts at random pixels of random values. Defaults are those of the authors' code.
 *
 * Source: Croce and Hein, ICCV 2019, section 4.1.
 *
 * @throws RobustError `RJS_ATTACK_OPTION`, `RJS_EPS` for `alpha`, and in the search `RJS_ATTACK_NORM`, and
 * `RJS_ATTACK_BUDGET` without a budget.
 */
export function pgdL0(options: PgdL0Options = {}): Attack {
  checkKnown(options, ['steps', 'alpha', 'restarts', 'objective']);
  const { objective = 'cross-entropy' } = options;
  const steps = checkWhole('steps', options.steps ?? 100, 1);
  const restarts = checkWhole('restarts', options.restarts ?? 5, 1);
  const alpha = options.alpha === undefined ? undefined : checkLength('alpha', options.alpha);
  return {
    id: 'pgd-l0',
    config: { steps, alpha: alpha ?? '120000 / 255 * (high - low)', restarts, objective },
    objective: objectiveNamed(objective),
    async search(search) {
      checkNorm(search.threat, ['L0']);
      finiteBudget(search.threat);
      const length = alpha ?? (120000 / 255) * (search.bounds[1] - search.bounds[0]);
      for (let restart = 0; restart < restarts && search.rows > 0; restart++) {
        const { threat, clean, ids, bounds, random } = search;
        await descend(search, threat.randomStart(clean, ids, random.split('start', restart), bounds), steps, (inputs, gradient) =>
          tidy(() => {
            const scale = div(length, maximum(rowLengths('L1', gradient), SMALLEST));
            return search.project(add(inputs, mul(gradient, overRows(scale, gradient))));
          }));
      }
    },
  };
}
