import type { Bounds, Search, ThreatModel } from '@robustjs/core';
import { add, engine, getBackend, getKernel, mul, type NamedAttrMap, type Tensor, tidy } from '@tensorflow/tfjs-core';

/** Where a step starts, and what holds it. */
export interface StepFrom {
  readonly inputs: Tensor;
  readonly clean: Tensor;
  readonly bounds: Bounds;
}

/** One projected step of length `alpha` from `inputs` along the steepest direction for `gradient`. Disposes neither. */
export const projectedStep = ({ threat, clean, bounds }: Search, inputs: Tensor, gradient: Tensor, alpha: number): Tensor =>
  stepOf(threat, { inputs, clean, bounds }, gradient, alpha);

/** The same of a threat model: in one pass where the runtime has a kernel for it, under Linf with the bits of the composition. */
export function stepOf(threat: ThreatModel, { inputs, clean, bounds }: StepFrom, gradient: Tensor, alpha: number): Tensor {
  const kernelName = kernelOf(threat);
  if (kernelName !== undefined && [inputs, clean, gradient].every(({ dtype }) => dtype === 'float32')) {
    const attrs = { alpha, eps: threat.eps, low: bounds[0], high: bounds[1] } as unknown as NamedAttrMap;
    return engine().runKernel<Tensor>(kernelName, { x: inputs, clean, gradient }, attrs);
  }
  return tidy(() => threat.project(add(inputs, mul(threat.steepest(gradient, inputs, bounds), alpha)), clean, bounds));
}

/** The kernel for a threat model; none while a gradient is recorded, for a kernel's step has none. */
function kernelOf({ fused, project, steepest }: ThreatModel): string | undefined {
  const meant = fused !== undefined && fused.project === project && fused.steepest === steepest && engine().state.gradientDepth === 0;
  return meant && (getKernel(fused.kernelName, getBackend()) as object | undefined) !== undefined ? fused.kernelName : undefined;
}
