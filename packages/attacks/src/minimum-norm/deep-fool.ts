import type { Attack, Search } from '@robustjs/core';
import {
  add, cast, clipByValue, clone, dispose, fill, logicalOr, mul, type Tensor, type Tensor1D, type Tensor2D, tidy,
} from '@tensorflow/tfjs-core';
import { displacementToPlane } from '../fab/project.ts';
import { marginObjective } from '../objectives.ts';
import { checkKnown, checkNonNegative, checkNorm, checkWhole } from '../options.ts';
import { nearestPlanes, rivalsAtClean } from '../planes.ts';
import { chooseRows } from '../rows.ts';

/** Options of {@link deepFool}. */
export interface DeepFoolOptions {
  /** Default 50. */
  readonly steps?: number;
  /** How many classes to look at, the label's included, the largest logits at the clean input first. Default 10. */
  readonly candidates?: number;
  /** How far beyond the boundary to go, as a share of the perturbation: eta in the paper. Default 0.02. */
  readonly overshoot?: number;
  /** Halvings of the straight way back to the clean input at the end, which the paper has not; 0: none. Default 10. */
  readonly halvings?: number;
}

/**
 * DeepFool, under L2 and Linf: steps onto the nearest of the boundaries as they look where the model is taken as linear, until
 * the class changes. The paper knows no box: a step here is the shortest onto the boundary inside the box (FAB's), without which clipped
 * steps never arrive. The overshoot is applied to each step, as in torchattacks; in the paper and in Foolbox to the whole perturbation.
 * Nothing is added to a step (Foolbox adds 1e-4). A row that is through rests, yet is counted until the
 * last step, since what a row costs must not depend on the others. With a finite eps it leaves where it is inside.
 *
 * Source: Moosavi-Dezfooli et al., CVPR 2016, algorithm 2 and section 3.3.
 *
 * @throws RobustError `RJS_ATTACK_OPTION`, and in the search `RJS_ATTACK_NORM`.
 */
export function deepFool(options: DeepFoolOptions = {}): Attack {
  checkKnown(options, ['steps', 'candidates', 'overshoot', 'halvings']);
  const steps = checkWhole('steps', options.steps ?? 50, 1);
  const candidates = checkWhole('candidates', options.candidates ?? 10, 2);
  const overshoot = checkNonNegative('overshoot', options.overshoot ?? 0.02);
  const halvings = checkWhole('halvings', options.halvings ?? 10, 0);
  return {
    id: 'deepfool',
    config: { steps, candidates, overshoot, halvings },
    objective: marginObjective,
    async search(search) {
      const norm = checkNorm(search.threat, ['L2', 'Linf']);
      const rivals = await rivalsAtClean(search, candidates - 1);
      let state: State = [clone(search.clean), none(search.rows), rivals];
      for (let step = 0; step < steps && search.rows > 0; step++) state = await advance(search, state, norm, overshoot);
      await closeIn(search, state, halvings);
    },
  };
}

/** Iterate, whether the class has changed, and the other classes, row by row. */
type State = [inputs: Tensor, through: Tensor1D, rivals: Tensor2D];

const none = (rows: number): Tensor1D => tidy(() => cast<Tensor1D>(fill([rows], 0), 'bool'));

/**
 * Looks on the straight way from the clean input to the iterate for the nearest point of another class. Steps along a curved boundary
 * do not end where they would have by the straight way.
 */
async function closeIn(search: Search, [inputs, through, rivals]: State, halvings: number): Promise<void> {
  let state = [inputs, search.clean.clone(), inputs.clone()];
  for (let halving = 0; halving < halvings && search.rows > 0; halving++) {
    const [end, near, far] = state as [Tensor, Tensor, Tensor];
    const middle = tidy(() => search.project(mul(add(near, far), 0.5)));
    const { adversarial, outputs, values } = search.look(middle);
    const next = tidy(() => [chooseRows(adversarial, near, middle), chooseRows(adversarial, middle, far)]);
    dispose([near, far, middle, adversarial, outputs, values]);
    state = await search.compact(end, ...next);
  }
  if (search.rows > 0) search.offer(state[0]!);
  dispose([...state, through, rivals]);
}

/** One step of each row that is not through. Takes the state over. */
async function advance(search: Search, [inputs, through, rivals]: State, norm: 'L2' | 'Linf', overshoot: number): Promise<State> {
  const planes = nearestPlanes(search, inputs, rivals, norm);
  const moved = tidy(() => {
    const step = displacementToPlane(norm, inputs, planes.normal, planes.gap, search.bounds);
    const next = clipByValue(add(inputs, mul(step, 1 + overshoot)), ...search.bounds);
    return chooseRows(through, inputs, next);
  });
  const { adversarial, outputs, values } = search.look(moved);
  const changed = logicalOr<Tensor1D>(through, adversarial);
  dispose([inputs, through, planes.normal, planes.gap, adversarial, outputs, values]);
  return search.compact(moved, changed, rivals);
}
