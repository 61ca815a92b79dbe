import type { Attack, Search } from '@robustjs/core';
import { add, clone, dispose, mul, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { checkKnown, checkLength, checkWhole, finiteBudget, type ObjectiveName, objectiveNamed } from './options.ts';
import { projectedStep } from './step.ts';

/** Options of {@link pgd}. */
export interface PgdOptions {
  /** Gradient steps in each restart. Default 10. */
  readonly steps?: number;
  /** Step length in the units of the bounds, a number or a fraction. Default: `2.5 * eps / steps` (Madry et al.). */
  readonly alpha?: number | string;
  /** How often to start anew; each restart takes only the rows that still stand. Default 1. */
  readonly restarts?: number;
  /**
   * Where to start: `true`, uniformly in the ball; `false`, at the clean input; `'gaussian'`, at the clean input plus
   * noise of standard deviation 0.001, as TRADES and MART train. Default true.
   */
  readonly randomStart?: boolean | 'gaussian';
  /** Default `'cross-entropy'`. */
  readonly objective?: ObjectiveName;
}

const KNOWN = ['steps', 'alpha', 'restarts', 'randomStart', 'objective'];

/**
 * Projected gradient descent: steepest steps of a fixed length, projected onto the threat model, from random starts.
 *
 * Source: Madry et al., ICLR 2018, section 2.1.
 *
 * @throws RobustError `RJS_ATTACK_OPTION`, `RJS_EPS` for `alpha`, and in the search `RJS_ATTACK_BUDGET` without a budget.
 */
export function pgd(options: PgdOptions = {}): Attack {
  checkKnown(options, KNOWN);
  const { alpha, randomStart = true, objective = 'cross-entropy' } = options;
  const steps = checkWhole('steps', options.steps ?? 10, 1);
  const restarts = checkWhole('restarts', options.restarts ?? 1, 1);
  const fixedAlpha = alpha === undefined ? undefined : checkLength('alpha', alpha);
  return {
    // Records tell attacks apart by id.
    id: objective === 'cross-entropy' ? 'pgd' : `pgd-${objective}`,
    config: { steps, alpha: fixedAlpha ?? '2.5 * eps / steps', restarts, randomStart, objective },
    objective: objectiveNamed(objective),
    async search(search) {
      const eps = finiteBudget(search.threat);
      const length = fixedAlpha ?? (2.5 * eps) / steps;
      for (let restart = 0; restart < restarts && search.rows > 0; restart++) {
        await descend(search, startOf(search, randomStart, restart), steps, (inputs, gradient) => projectedStep(search, inputs, gradient, length));
      }
    },
  };
}

/** Options of {@link bim}. */
export type BimOptions = Pick<PgdOptions, 'steps' | 'alpha' | 'objective'>;

/**
 * Basic iterative method, or I-FGSM: PGD from the clean input.
 *
 * Source: Kurakin, Goodfellow, Bengio, ICLR 2017 workshop, section 2.2.
 *
 * @throws RobustError `RJS_ATTACK_OPTION`, `RJS_EPS` for `alpha`, and in the search `RJS_ATTACK_BUDGET` without a budget.
 */
export function bim(options: BimOptions = {}): Attack {
  checkKnown(options, ['steps', 'alpha', 'objective']);
  const { config, ...attack } = pgd({ ...options, randomStart: false });
  const { steps, alpha, objective } = config;
  return { ...attack, id: 'bim', config: { steps, alpha, objective } };
}

function startOf(search: Search, randomStart: boolean | 'gaussian', restart: number): Tensor {
  const { threat, clean, ids, bounds } = search;
  const random = search.random.split('start', restart);
  if (randomStart === false) return clone(clean);
  if (randomStart === true) return threat.randomStart(clean, ids, random, bounds);
  return tidy(() => search.project(add(clean, mul(random.normalRows(ids, clean.shape.slice(1)), 0.001))));
}

/** Steps from `start`, which it takes over; `step` gives the next inputs and disposes nothing. */
export async function descend(search: Search, start: Tensor, steps: number, step: (inputs: Tensor, gradient: Tensor) => Tensor): Promise<void> {
  let inputs = start;
  for (let taken = 0; taken < steps && search.rows > 0; taken++) {
    const gradient = search.gradient(inputs);
    const moved = step(inputs, gradient);
    dispose([inputs, gradient]);
    [inputs] = await search.compact(moved);
  }
  if (search.rows > 0) search.offer(inputs);
  // A row that its last iterate broke leaves before the next restart.
  dispose(await search.compact(inputs));
}
