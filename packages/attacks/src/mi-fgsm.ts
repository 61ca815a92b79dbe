import type { Attack } from '@robustjs/core';
import type { ObjectiveName } from './options.ts';
import { momentumAttack } from './transfer/transfer-fgsm.ts';

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
export const miFgsm = (options: MiFgsmOptions = {}): Attack => momentumAttack('mi-fgsm', [], options);
