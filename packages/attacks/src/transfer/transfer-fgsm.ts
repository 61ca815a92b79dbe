import type { Attack } from '@robustjs/core';
import type { MiFgsmOptions } from '../mi-fgsm.ts';
import { checkKnown, checkLength, checkNonNegative, checkNorm, checkOdd, checkProbability, checkShare, checkWhole, objectiveNamed } from '../options.ts';
import { climbWithMomentum, gradientThere } from './momentum.ts';
import { imageAxes } from '../images.ts';
import { diversified, lookingAhead, scaled, smoothed, varianceOf } from './rules.ts';

/** Options of {@link transferFgsm}: those of MI-FGSM, and what is done to its gradients. */
export interface TransferFgsmOptions extends MiFgsmOptions {
  /** NI: take the gradient where the momentum leads. Linf only. Default false. */
  readonly lookAhead?: boolean;
  /** DI: probability that a row is resized and padded before a gradient, in [0, 1]. Default 0. */
  readonly diversity?: number;
  /** DI: smallest size as a share of the whole, in (0, 1). Default 0.9. */
  readonly resize?: number;
  /** TI: size of the kernel that smooths gradients, odd; 1 does nothing. Default 1. */
  readonly kernel?: number;
  /** SI: copies at halved scale; 1 does nothing. Default 1. */
  readonly copies?: number;
  /** VMI: neighbours whose gradients tune the next step; 0 does nothing. Linf only. Default 0. */
  readonly neighbours?: number;
  /** VMI: how far neighbours lie, in multiples of eps, beta in the paper. Default 1.5. */
  readonly reach?: number;
}

// Those of MI-FGSM.
const BASE = ['steps', 'alpha', 'decay', 'objective'];
const OWN = { lookAhead: false, diversity: 0, resize: 0.9, kernel: 1, copies: 1, neighbours: 0, reach: 1.5 } as const;

/**
 * MI-FGSM with any of the changes that make its results transfer better to other models, together: NI, DI, TI, SI and VMI.
 * Without any it is MI-FGSM; without momentum too, BIM. Craft on a model of your own, then judge what came out on the
 * target. Look-ahead and diversity take gradients at other inputs than the iterates, so of those only the last is judged.
 *
 * Sources: Dong et al., CVPR 2018 and CVPR 2019; Lin et al., ICLR 2020; Xie et al., CVPR 2019; Wang and He, CVPR 2021.
 *
 * @throws RobustError `RJS_ATTACK_OPTION`, `RJS_EPS` for `alpha`, and in the search `RJS_ATTACK_BUDGET` without a budget,
 * `RJS_ATTACK_NORM` for look-ahead and neighbours under another norm than Linf, `RJS_ATTACK_INPUT` for diversity and
 * kernels on inputs without space.
 */
export const transferFgsm = (options: TransferFgsmOptions = {}): Attack => momentumAttack('transfer-fgsm', Object.keys(OWN), options);

/** The attack of this id: it takes and records the options named, on top of those of MI-FGSM. */
export function momentumAttack(id: string, named: readonly string[], options: TransferFgsmOptions, preset: TransferFgsmOptions = {}): Attack {
  checkKnown(options, [...BASE, ...named]);
  const { steps = 10, alpha, decay = 1, objective = 'cross-entropy', ...own } = { ...OWN, ...preset, ...options };
  checkWhole('steps', steps, 1);
  checkNonNegative('decay', decay);
  checkOwn(own);
  const { lookAhead, diversity, resize, kernel, copies, neighbours, reach } = own;
  const fixedAlpha = alpha === undefined ? undefined : checkLength('alpha', alpha);
  const spatial = smoothed(kernel)(scaled(copies)(diversified(diversity, resize)(gradientThere)));
  const rule = lookAhead ? lookingAhead(spatial) : spatial;
  return {
    id,
    config: { steps, alpha: fixedAlpha ?? 'eps / steps', decay, objective, ...Object.fromEntries(Object.entries(own).filter(([key]) => named.includes(key))) },
    objective: objectiveNamed(objective),
    async search(search) {
      if (diversity > 0 || kernel > 1) imageAxes(search.clean);
      if (lookAhead || neighbours > 0) checkNorm(search.threat, ['Linf']);
      const tuned = neighbours > 0 && { correction: varianceOf(neighbours, reach, rule) };
      await climbWithMomentum(search, { steps, alpha: fixedAlpha, decay, rule, ...tuned });
    },
  };
}

function checkOwn({ diversity, resize, kernel, copies, neighbours, reach }: Required<Omit<TransferFgsmOptions, keyof MiFgsmOptions>>): void {
  checkProbability('diversity', diversity);
  checkShare('resize', resize);
  checkOdd('kernel', kernel);
  checkWhole('copies', copies, 1);
  checkWhole('neighbours', neighbours, 0);
  checkNonNegative('reach', reach);
}
