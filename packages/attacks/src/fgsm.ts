import type { Attack } from '@robustjs/core';
import { dispose, tidy } from '@tensorflow/tfjs-core';
import { checkKnown, checkShare, finiteBudget, type ObjectiveName, objectiveNamed } from './options.ts';
import { projectedStep } from './step.ts';

/** Options of {@link fgsm}. */
export interface FgsmOptions {
  /** Default `'cross-entropy'`. */
  readonly objective?: ObjectiveName;
}

/**
 * Fast gradient sign method: one step of the whole budget from the clean input. Under L2 and L1 it is the fast gradient
 * method: the steepest step of that norm.
 *
 * Source: Goodfellow, Shlens, Szegedy, ICLR 2015, section 4.
 *
 * @throws RobustError `RJS_ATTACK_OPTION`, and in the search `RJS_ATTACK_BUDGET` without a budget.
 */
export function fgsm(options: FgsmOptions = {}): Attack {
  checkKnown(options, ['objective']);
  const { objective = 'cross-entropy' } = options;
  return {
    id: 'fgsm',
    config: { objective },
    objective: objectiveNamed(objective),
    async search(search) {
      const eps = finiteBudget(search.threat);
      const gradient = search.gradient(search.clean);
      const moved = projectedStep(search, search.clean, gradient, eps);
      search.offer(moved);
      dispose([gradient, moved]);
    },
  };
}

/** Options of {@link rfgsm}. */
export interface RfgsmOptions extends FgsmOptions {
  /** Length of the random first step as a share of eps, in (0, 1). Default 0.5. */
  readonly randomShare?: number;
}

/**
 * R+FGSM: a step of `randomShare * eps` in a random direction, then a gradient step of the rest, so that a masked gradient
 * at the clean input does not help a defense. Under Linf, the paper's norm, the direction is the sign of normal noise.
 *
 * Source: Tramèr et al., ICLR 2018, equation 8.
 *
 * @throws RobustError `RJS_ATTACK_OPTION`, and in the search `RJS_ATTACK_BUDGET` without a budget.
 */
export function rfgsm(options: RfgsmOptions = {}): Attack {
  checkKnown(options, ['objective', 'randomShare']);
  const { objective = 'cross-entropy', randomShare = 0.5 } = options;
  checkShare('randomShare', randomShare);
  return {
    id: 'rfgsm',
    config: { objective, randomShare },
    objective: objectiveNamed(objective),
    async search(search) {
      const { threat, clean, ids, random } = search;
      const eps = finiteBudget(threat);
      const start = tidy(() => {
        const noise = random.split('start').normalRows(ids, clean.shape.slice(1));
        return projectedStep(search, clean, noise, randomShare * eps);
      });
      const gradient = search.gradient(start);
      const moved = projectedStep(search, start, gradient, (1 - randomShare) * eps);
      search.offer(moved);
      dispose([start, gradient, moved]);
    },
  };
}
