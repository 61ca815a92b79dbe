import type { Bounds, Search, ThreatModel } from '@robustjs/core';
import { add, mul, type NamedTensorMap, sub, type Tensor, type Tensor1D, tidy } from '@tensorflow/tfjs-core';
import { fused, overRows } from './rows.ts';

/** Where a step starts, and what holds it. */
export interface StepFrom {
  readonly inputs: Tensor;
  readonly clean: Tensor;
  readonly bounds: Bounds;
}

/** One projected step of length `alpha`, the same for all or one a row, from `inputs` along the steepest direction for `gradient`. Disposes neither. */
export const projectedStep = ({ threat, clean, bounds }: Search, inputs: Tensor, gradient: Tensor, alpha: number | Tensor1D): Tensor =>
  stepOf(threat, { inputs, clean, bounds }, gradient, alpha);

/** How much of a step is the plain one; the rest is what led from the iterate before to the inputs. */
export interface Momentum {
  readonly previous: Tensor;
  readonly plain: number;
}

/** A step with momentum (Croce and Hein, ICML 2020, equation 1, where the plain step's share is called alpha), projected twice. */
export function momentumStep(search: Search, inputs: Tensor, gradient: Tensor, alphas: Tensor1D, { previous, plain }: Momentum): Tensor {
  const { threat, clean, bounds } = search;
  // The kernel for L2 knows no momentum.
  if (threat.fused?.kernelName === 'LinfStep') {
    const step = fusedStep(threat, { x: inputs, clean, gradient, alphas, previous }, bounds, { plain });
    if (step !== undefined) return step;
  }
  return tidy(() => {
    const step = projectedStep(search, inputs, gradient, alphas);
    return search.project(add(inputs, add(mul(sub(step, inputs), plain), mul(sub(inputs, previous), 1 - plain))));
  });
}

/** The same of a threat model: in one pass where the runtime has a kernel for it, under Linf with the bits of the composition. */
export function stepOf(threat: ThreatModel, { inputs, clean, bounds }: StepFrom, gradient: Tensor, alpha: number | Tensor1D): Tensor {
  const byRow = typeof alpha !== 'number';
  const step = fusedStep(threat, { x: inputs, clean, gradient, ...(byRow && { alphas: alpha }) }, bounds, { alpha: byRow ? 0 : alpha });
  if (step !== undefined) return step;
  return tidy(() => {
    const length = byRow ? overRows(alpha, inputs) : alpha;
    return threat.project(add(inputs, mul(threat.steepest(gradient, inputs, bounds), length)), clean, bounds);
  });
}

/** By the threat model's kernel, where it is meant and there. */
function fusedStep(threat: ThreatModel, batches: NamedTensorMap, [low, high]: Bounds, lengths: { alpha?: number; plain?: number }): Tensor | undefined {
  const { eps, fused: known } = threat;
  const meant = known !== undefined && known.project === threat.project && known.steepest === threat.steepest;
  return meant ? fused(known.kernelName, batches, {}, { ...lengths, eps, low, high }) : undefined;
}
