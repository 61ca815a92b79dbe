import type { Attack, Search } from '@robustjs/core';
import {
  abs, add, cast, clipByValue, clone, dispose, div, fill, logicalOr, mul, neg, sub, type Tensor, type Tensor1D, type Tensor2D, tidy, zerosLike,
} from '@tensorflow/tfjs-core';
import { dualLengths } from '../norms.ts';
import { marginObjective } from '../objectives.ts';
import { checkKnown, checkNonNegative, checkNorm, checkWhole } from '../options.ts';
import { nearestPlanes, type Planes, rivalsAtClean } from '../planes.ts';
import { chooseRows, overRows, positive } from '../rows.ts';

/** Options of {@link deepFool}. */
export interface DeepFoolOptions {
  /** Default 50. */
  readonly steps?: number;
  /** How many classes to look at, the label's included, the largest logits at the clean input first. Default 10. */
  readonly candidates?: number;
  /** How far beyond the boundary to go, as a share of the perturbation: eta in the paper. Default 0.02. */
  readonly overshoot?: number;
}

/**
 * DeepFool, under L2 and Linf: steps onto the nearest of the boundaries as they look where the model is taken as linear, until
 * the class changes. The overshoot is applied to the whole perturbation, as in the paper and in Foolbox (torchattacks applies
 * it to each step), and nothing is added to a step (Foolbox adds 1e-4). A row that is through rests, yet is counted until the
 * last step, since what a row costs must not depend on the others. With a finite eps it leaves where it is inside.
 *
 * Source: Moosavi-Dezfooli et al., CVPR 2016, algorithm 2 and section 3.3.
 *
 * @throws RobustError `RJS_ATTACK_OPTION`, and in the search `RJS_ATTACK_NORM`.
 */
export function deepFool(options: DeepFoolOptions = {}): Attack {
  checkKnown(options, ['steps', 'candidates', 'overshoot']);
  const steps = checkWhole('steps', options.steps ?? 50, 1);
  const candidates = checkWhole('candidates', options.candidates ?? 10, 2);
  const overshoot = checkNonNegative('overshoot', options.overshoot ?? 0.02);
  return {
    id: 'deepfool',
    config: { steps, candidates, overshoot },
    objective: marginObjective,
    async search(search) {
      const norm = checkNorm(search.threat, ['L2', 'Linf']);
      const rivals = await rivalsAtClean(search, candidates - 1);
      let state: State = [clone(search.clean), zerosLike(search.clean), none(search.rows), rivals];
      for (let step = 0; step < steps && search.rows > 0; step++) state = await advance(search, state, norm, overshoot);
      const last = tidy(() => search.project(state[0]));
      if (search.rows > 0) search.offer(last);
      dispose([last, ...state]);
    },
  };
}

/** Iterate, perturbation before overshoot and box, whether the class has changed, and the other classes, row by row. */
type State = [inputs: Tensor, perturbation: Tensor, through: Tensor1D, rivals: Tensor2D];

const none = (rows: number): Tensor1D => tidy(() => cast<Tensor1D>(fill([rows], 0), 'bool'));

/** One step of each row that is not through. Takes the state over. */
async function advance(search: Search, [inputs, perturbation, through, rivals]: State, norm: 'L2' | 'Linf', overshoot: number): Promise<State> {
  const planes = nearestPlanes(search, inputs, rivals, norm);
  const [moved, total] = tidy(() => {
    const next = chooseRows(through, perturbation, add(perturbation, ontoPlanes(planes, norm)));
    return [clipByValue(add(search.clean, mul(next, 1 + overshoot)), ...search.bounds), next] as [Tensor, Tensor];
  });
  const { adversarial, outputs, values } = search.look(moved);
  const changed = logicalOr<Tensor1D>(through, adversarial);
  dispose([inputs, perturbation, through, planes.normal, planes.gap, adversarial, outputs, values]);
  return search.compact(moved, total, changed, rivals);
}

/** The shortest way to each plane, box aside: |f| / ||w||_2^2 w, or |f| / ||w||_1 sign(w). A plane without a slope: none. */
function ontoPlanes({ normal, gap }: Planes, norm: 'L2' | 'Linf'): Tensor {
  const slope = dualLengths(norm, normal);
  const divisor = overRows(add(slope, sub(1, positive(slope))), normal);
  const direction = norm === 'Linf' ? sub(positive(normal), positive(neg(normal))) : div(normal, divisor);
  return mul(direction, div(overRows(abs(gap), normal), divisor));
}
