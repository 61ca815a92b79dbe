import type { Attack, Search } from '@robustjs/core';
import { clone, dispose, fill, slice, type Tensor, type Tensor1D, type Tensor2D, tidy } from '@tensorflow/tfjs-core';
import { DUAL_NORMS, type DualNorm } from '../norms.ts';
import { marginObjective } from '../objectives.ts';
import { checkKnown, checkNonNegative, checkNorm, checkShare, checkWhole } from '../options.ts';
import { nearestPlanes, rivalsAtClean } from '../planes.ts';
import { type FabConstants, fabStart, fabStep, pullBack } from './step.ts';

/** Options of {@link fab}. */
export interface FabOptions extends Partial<FabConstants> {
  /** Steps in each run. Default 100. */
  readonly steps?: number;
  /**
   * Runs; the first starts at the clean input, each other one at random, half as far away as the nearest adversarial input
   * known or eps, whichever is less. Without an eps 0.3 (Linf), 1 (L2) or 5 (L1) times the width of the bounds stands for
   * it. Default 1.
   */
  readonly restarts?: number;
}

/** Options of {@link fabT}. */
export interface FabTOptions extends FabOptions {
  /** How many classes to go for in turn, those with the largest logits at the clean input first; at most K - 1. Default 9. */
  readonly targets?: number;
}

/**
 * Fast adaptive boundary attack: looks for the nearest adversarial input by projections onto the linearized decision
 * boundary, inside the box. Each step takes a gradient for every class but the label's and goes for the nearest boundary.
 * With a finite eps a row ends with the first adversarial input in the budget; steps outside it count as rejected.
 * Towards targets it goes for the boundary with the largest other logit.
 *
 * Source: Croce and Hein, ICML 2020 (arXiv:1907.02044), algorithm 1, without its final search along the segment to the clean
 * input, which the authors' code leaves out, too.
 *
 * @throws RobustError `RJS_ATTACK_OPTION`, and in the search `RJS_ATTACK_NORM`.
 */
export function fab(options: FabOptions = {}): Attack {
  checkKnown(options, KNOWN);
  return fabAttack('fab', options, undefined);
}

/**
 * FAB-T: {@link fab} with one class at a time, so that a step takes one gradient however many classes there are.
 *
 * Source: Croce and Hein, ICML 2020 (arXiv:2003.01690), section 4; the authors' code.
 *
 * @throws RobustError `RJS_ATTACK_OPTION`, and in the search `RJS_ATTACK_NORM`.
 */
export function fabT(options: FabTOptions = {}): Attack {
  checkKnown(options, [...KNOWN, 'targets']);
  return fabAttack('fab-t', options, checkWhole('targets', options.targets ?? 9, 1));
}

const KNOWN = ['steps', 'restarts', 'alphaMax', 'eta', 'beta'];

function fabAttack(id: string, options: FabOptions, targets: number | undefined): Attack {
  const steps = checkWhole('steps', options.steps ?? 100, 1);
  const restarts = checkWhole('restarts', options.restarts ?? 1, 1);
  const constants: FabConstants = {
    alphaMax: checkShare('alphaMax', options.alphaMax ?? 0.1),
    eta: checkNonNegative('eta', options.eta ?? 1.05),
    beta: checkShare('beta', options.beta ?? 0.9),
  };
  return {
    id,
    config: { steps, restarts, ...(targets !== undefined && { targets }), ...constants },
    objective: marginObjective,
    async search(search) {
      const norm = checkNorm(search.threat, DUAL_NORMS);
      const rivals = await rivalsAtClean(search, targets ?? Infinity);
      // Towards a target there is one boundary, whatever the rivals.
      const turns = targets === undefined || search.targeted ? 1 : rivals.shape[1];
      let state: State = [clone(search.clean), fill([search.rows], Infinity), rivals];
      for (let turn = 0; turn < turns; turn++) {
        const rivalsOf: RivalsOf = (all) => (targets === undefined ? clone(all) : slice(all, [0, turn], [-1, 1]));
        for (let restart = 0; restart < restarts && search.rows > 0; restart++) {
          state = startAgain(search, state, norm, turn, restart);
          for (let step = 0; step < steps && search.rows > 0; step++) state = await approach(search, state, norm, rivalsOf, constants);
        }
      }
      const last = tidy(() => search.project(state[0]));
      if (search.rows > 0) search.offer(last);
      dispose([last, ...state]);
    },
  };
}

/** Iterate, distance of the nearest adversarial input so far, and the other classes, row by row. */
type State = [inputs: Tensor, nearest: Tensor1D, rivals: Tensor2D];
/** Those of a row's other classes whose boundaries a run looks at. */
type RivalsOf = (rivals: Tensor2D) => Tensor2D;

/** The state with a new iterate to start from; disposes the old one. */
function startAgain(search: Search, [inputs, nearest, rivals]: State, norm: DualNorm, turn: number, restart: number): State {
  const start = restart === 0 ? clone(search.clean) : fabStart(search, nearest, norm, search.random.split('start', turn, restart));
  inputs.dispose();
  return [start, nearest, rivals];
}

/** A step towards the boundary, and back from it by a share where the step was adversarial. Takes the state over. */
async function approach(search: Search, [inputs, nearest, rivals]: State, norm: DualNorm, rivalsOf: RivalsOf, constants: FabConstants): Promise<State> {
  const faced = rivalsOf(rivals);
  const planes = nearestPlanes(search, inputs, faced, norm);
  const moved = fabStep(search, inputs, planes, norm, constants);
  const { adversarial, outputs, values } = search.look(moved);
  const [next, distances] = pullBack(search, moved, adversarial, nearest, constants);
  dispose([inputs, nearest, faced, planes.normal, planes.gap, moved, adversarial, outputs, values]);
  return search.compact(next, distances, rivals);
}
