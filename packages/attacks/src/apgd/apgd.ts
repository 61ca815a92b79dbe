import type { Attack, Objective } from '@robustjs/core';
import { dispose, slice, squeeze, type Tensor, type Tensor1D, tidy } from '@tensorflow/tfjs-core';
import { crossEntropyObjective, dlrObjective, marginObjective, targetedDlrObjective, towardsTargetDlr } from '../objectives.ts';
import { checkFlag, checkKnown, checkNorm, checkWhole, finiteBudget } from '../options.ts';
import { rivalsAtClean } from '../planes.ts';
import { restarted } from './run.ts';

/** Options of {@link apgdCe} and {@link apgdDlr}. */
export interface ApgdOptions {
  /** Gradient steps in each run. Default 100; the schedule of step lengths makes little sense below 20. */
  readonly steps?: number;
  /** Runs from new random starts; each takes only the rows that still stand. Default 1. */
  readonly restarts?: number;
  /** Gradients averaged for each step, for models that draw random numbers. Default 1. */
  readonly eot?: number;
  /**
   * Under L1, spend the first 60 % of the steps in balls of three and two times the budget, as AutoAttack does; under other
   * norms it changes nothing. Default false.
   */
  readonly wideStart?: boolean;
}

/** Options of {@link apgdT}. */
export interface ApgdTOptions extends ApgdOptions {
  /** Most likely other classes tried as targets, one run after the other; all others where there are fewer. Default 9. */
  readonly targets?: number;
}

/** Options with their defaults filled in. */
export type Settings = Required<ApgdOptions>;

/**
 * APGD on the cross-entropy: gradient ascent with momentum, whose step length adapts to what it achieves. Under L1 it takes
 * sparse steps instead. Starts at a random point of the ball (the code starts on its surface, which in the dimensions of an
 * image is the same; under L1 at normal noise projected onto ball and box). With `keep: 'last'` the best iterate of the last
 * run is offered.
 *
 * Source: Croce and Hein, ICML 2020, algorithm 1; under L1 Croce and Hein, ICML 2021, algorithm 1; where paper and code
 * differ, the code.
 *
 * @throws RobustError `RJS_ATTACK_OPTION`, and in the search `RJS_ATTACK_BUDGET` without a budget.
 */
export function apgdCe(options: ApgdOptions = {}): Attack {
  return untargeted('apgd-ce', crossEntropyObjective, options);
}

/**
 * APGD on the difference of logits ratio, which keeps a gradient where logits are large and the cross-entropy has none.
 *
 * Source: Croce and Hein, ICML 2020, section 4.
 *
 * @throws RobustError `RJS_ATTACK_OPTION`, and in the search `RJS_ATTACK_BUDGET` without a budget.
 */
export function apgdDlr(options: ApgdOptions = {}): Attack {
  return untargeted('apgd-dlr', dlrObjective, options);
}

/**
 * APGD on the targeted difference of logits ratio, towards each of the classes that are most likely at the clean input, one
 * after the other. What is kept of rows that nothing breaks is the point of the largest margin. In a search with targets of
 * its own there is one target, and every other class counts as the label does.
 *
 * Source: Croce and Hein, ICML 2020, section 4, and the authors' code.
 *
 * @throws RobustError `RJS_ATTACK_OPTION`, and in the search `RJS_ATTACK_BUDGET` without a budget and `RJS_ATTACK_CLASSES`.
 */
export function apgdT(options: ApgdTOptions = {}): Attack {
  checkKnown(options, ['targets', ...KNOWN]);
  const { targets: most = 9, ...rest } = options;
  const targets = checkWhole('targets', most, 1);
  const settings = settingsOf(rest);
  return {
    id: 'apgd-t',
    config: { ...settings, targets },
    objective: marginObjective,
    async search(search) {
      checkNorm(search.threat, ['Linf', 'L2', 'L1']);
      finiteBudget(search.threat);
      if (search.targeted) return void (await restarted(search, { ...settings, objective: () => towardsTargetDlr }, search.random, []));
      let rivals: Tensor = await rivalsAtClean(search, targets);
      const count = rivals.shape[1]!;
      const objective = ([, target]: readonly Tensor[]): Objective => targetedDlrObjective(target as Tensor1D);
      for (let rank = 0; rank < count && search.rows > 0; rank++) {
        const target = tidy(() => squeeze(slice(rivals, [0, rank], [-1, 1]), [1]));
        const [left, done] = await restarted(search, { ...settings, objective }, search.random.split('target', rank), [rivals, target]);
        dispose(done!);
        rivals = left!;
      }
      dispose(rivals);
    },
  };
}

const KNOWN = ['steps', 'restarts', 'eot', 'wideStart'];

function settingsOf({ steps = 100, restarts = 1, eot = 1, wideStart = false }: ApgdOptions): Settings {
  return { steps: checkWhole('steps', steps, 1), restarts: checkWhole('restarts', restarts, 1), eot: checkWhole('eot', eot, 1), wideStart: checkFlag('wideStart', wideStart) };
}

function untargeted(id: string, objective: Objective, options: ApgdOptions): Attack {
  checkKnown(options, KNOWN);
  const settings = settingsOf(options);
  return {
    id,
    config: { ...settings },
    objective,
    async search(search) {
      checkNorm(search.threat, ['Linf', 'L2', 'L1']);
      finiteBudget(search.threat);
      await restarted(search, settings, search.random, []);
    },
  };
}
