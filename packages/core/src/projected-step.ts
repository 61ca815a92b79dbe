import { add, engine, getBackend, getKernel, mul, type NamedAttrMap, type Tensor, tidy } from '@tensorflow/tfjs-core';
import type { Bounds } from './model.ts';
import type { ThreatModel } from './threat.ts';

/** Where a step starts, and what holds it. */
export interface StepFrom {
  readonly inputs: Tensor;
  readonly clean: Tensor;
  readonly bounds: Bounds;
}

/**
 * One step of length `alpha` along the steepest direction for `gradient`, projected. Threat models of this package are taken in one
 * pass where the runtime has a kernel for that (`LinfStep`, `L2Step`); results are those of the composition, under Linf to the bit.
 * Disposes nothing.
 */
export function projectedStep(threat: ThreatModel, { inputs, clean, bounds }: StepFrom, gradient: Tensor, alpha: number): Tensor {
  const kernelName = kernelOf(threat);
  if (kernelName !== undefined && [inputs, clean, gradient].every(({ dtype }) => dtype === 'float32')) {
    const attrs = { alpha, eps: threat.eps, low: bounds[0], high: bounds[1] } as unknown as NamedAttrMap;
    return engine().runKernel<Tensor>(kernelName, { x: inputs, clean, gradient }, attrs);
  }
  return tidy(() => threat.project(add(inputs, mul(threat.steepest(gradient, inputs, bounds), alpha)), clean, bounds));
}

type Moves = Pick<ThreatModel, 'project' | 'steepest'>;

const kernels = new WeakMap<ThreatModel['project'], { readonly kernelName: string; readonly steepest: ThreatModel['steepest'] }>();

/** Notes that a kernel does what these two functions do together; a threat model that replaces either is no longer meant. */
export function stepsByKernel(kernelName: string, { project, steepest }: Moves): void {
  kernels.set(project, { kernelName, steepest });
}

/** The kernel for a threat model; none while a gradient is recorded, for a kernel's step has none. */
function kernelOf({ project, steepest }: Moves): string | undefined {
  const noted = kernels.get(project);
  const meant = noted !== undefined && noted.steepest === steepest && engine().state.gradientDepth === 0;
  return meant && (getKernel(noted.kernelName, getBackend()) as object | undefined) !== undefined ? noted.kernelName : undefined;
}
