import type { Bounds, Search, ThreatModel } from '@robustjs/core';
import { add, engine, getBackend, getKernel, mul, type NamedAttrMap, type Tensor, type Tensor1D, tidy } from '@tensorflow/tfjs-core';
import { overRows } from './rows.ts';

/** Where a step starts, and what holds it. */
export interface StepFrom {
  readonly inputs: Tensor;
  readonly clean: Tensor;
  readonly bounds: Bounds;
}

/** One projected step of length `alpha`, the same for all or one a row, from `inputs` along the steepest direction for `gradient`. Disposes neither. */
export const projectedStep = ({ threat, clean, bounds }: Search, inputs: Tensor, gradient: Tensor, alpha: number | Tensor1D): Tensor =>
  stepOf(threat, { inputs, clean, bounds }, gradient, alpha);

/** The search's projection, in one pass where there is a kernel for a step: this one has no length. */
export const projected = (search: Search, inputs: Tensor): Tensor =>
  search.threat.norm === 'Linf' && kernelOf(search.threat) !== undefined ? projectedStep(search, inputs, inputs, 0) : search.project(inputs);

/** The same of a threat model: in one pass where the runtime has a kernel for it, under Linf with the bits of the composition. */
export function stepOf(threat: ThreatModel, { inputs, clean, bounds }: StepFrom, gradient: Tensor, alpha: number | Tensor1D): Tensor {
  const kernelName = kernelOf(threat);
  const byRow = typeof alpha !== 'number';
  if (kernelName !== undefined && [inputs, clean, gradient].every(({ dtype }) => dtype === 'float32')) {
    const attrs = { alpha: byRow ? 0 : alpha, eps: threat.eps, low: bounds[0], high: bounds[1] } as unknown as NamedAttrMap;
    return engine().runKernel<Tensor>(kernelName, { x: inputs, clean, gradient, ...(byRow && { alphas: alpha }) }, attrs);
  }
  return tidy(() => {
    const length = byRow ? overRows(alpha, inputs) : alpha;
    return threat.project(add(inputs, mul(threat.steepest(gradient, inputs, bounds), length)), clean, bounds);
  });
}

/** The kernel for a threat model; none while a gradient is recorded, for a kernel's step has none. */
function kernelOf(threat: ThreatModel): string | undefined {
  const { fused } = threat;
  const meant = fused !== undefined && fused.project === threat.project && fused.steepest === threat.steepest && engine().state.gradientDepth === 0;
  return meant && (getKernel(fused.kernelName, getBackend()) as object | undefined) !== undefined ? fused.kernelName : undefined;
}
