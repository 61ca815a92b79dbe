import type { RandomStream, Search } from '@robustjs/core';
import { abs, add, div, dispose, maximum, mul, sum, type Tensor, tidy, zerosLike } from '@tensorflow/tfjs-core';
import { finiteBudget } from '../options.ts';
import { flatRows, overRows } from '../rows.ts';
import { projectedStep } from '../step.ts';

/** What a step knows when it asks for its gradient. */
export interface MomentumStep {
  readonly search: Search;
  readonly momentum: Tensor;
  /** Length of the step. */
  readonly alpha: number;
  /** Share of the momentum that stays. */
  readonly decay: number;
  /** The stream of this step, or of a part of it. */
  readonly random: RandomStream;
  /** The inputs are no iterate, but what a rule made of one. */
  readonly probe: boolean;
}

/** The gradient that a step at these inputs accumulates. The caller disposes; the inputs stay whole. */
export type GradientRule = (inputs: Tensor, step: MomentumStep) => Tensor;

/** The gradient where the iterate is. */
export const gradientThere: GradientRule = (inputs, { search, probe }) => search.gradient(inputs, { probe });

/** How momentum is gathered and spent. */
export interface MomentumOptions {
  readonly steps: number;
  /** Length of a step. Absent: `eps / steps`. */
  readonly alpha: number | undefined;
  readonly decay: number;
  /** Default: the gradient where the iterate is. */
  readonly rule?: GradientRule;
  /** What the next gradient is corrected by, from the gradient at this iterate. */
  readonly correction?: (inputs: Tensor, gradient: Tensor, step: MomentumStep) => Tensor;
}

/**
 * Steps along an accumulated gradient from the clean input, each gradient scaled to L1 length 1 before it is added: the loop
 * of MI-FGSM (Dong et al., CVPR 2018, algorithm 1), whose descendants change where the gradient is taken.
 */
export async function climbWithMomentum(search: Search, options: MomentumOptions): Promise<void> {
  const { steps, decay, rule = gradientThere, correction } = options;
  const eps = finiteBudget(search.threat);
  const alpha = options.alpha ?? eps / steps;
  const { clean } = search;
  let state: Tensor[] = [clean.clone(), zerosLike(clean), ...(correction === undefined ? [] : [zerosLike(clean)])];
  for (let index = 0; index < steps && search.rows > 0; index++) {
    const [inputs, momentum, correcting] = state as [Tensor, Tensor, Tensor?];
    const step = { search, momentum, alpha, decay, random: search.random.split('step', index), probe: false };
    const gradient = rule(inputs, step);
    const next = correction === undefined || index === steps - 1 ? [] : [correction(inputs, gradient, step)];
    const accumulated = tidy(() => {
      const corrected = correcting === undefined ? gradient : add(gradient, correcting);
      return add(mul(momentum, decay), ofLengthOne(corrected));
    });
    const moved = projectedStep(search, inputs, accumulated, alpha);
    dispose([...state, gradient]);
    state = await search.compact(moved, accumulated, ...next);
  }
  if (search.rows > 0) search.offer(state[0]!);
  dispose(state);
}

/** Each row scaled to L1 length 1; a zero row stays zero, but not one of a confident model's tiny gradients. */
function ofLengthOne(gradient: Tensor): Tensor {
  const length = sum(abs(flatRows(gradient)), 1);
  return div(gradient, overRows(maximum(length, 1e-37), gradient));
}
