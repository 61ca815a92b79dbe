import { add, div, mul, type NamedTensorMap, sqrt, square, sub, type Tensor, tidy, type Variable } from '@tensorflow/tfjs-core';
import { hasKernel, runKernel } from './fused.ts';

/** Numbers of a step of gradient descent. */
export interface MomentumStepOptions {
  /** Length of the step. */
  readonly rate: number;
  /** Share of the last direction that is kept, in [0, 1). */
  readonly momentum: number;
  /** Whether the step looks ahead (Nesterov). */
  readonly nesterov: boolean;
  /** Share of the parameter that is added to the gradient. */
  readonly decay: number;
}

/** Numbers of a step of Adam. */
export interface AdamStepOptions {
  /** Length of the step, bias corrections included. */
  readonly length: number;
  /** Share of the mean that is kept. */
  readonly beta1: number;
  /** Share of the mean square that is kept. */
  readonly beta2: number;
  /** What is added to the root of the mean square. */
  readonly epsilon: number;
  /** Share of the parameter that is added to the gradient. */
  readonly decay: number;
}

/**
 * One step of gradient descent: g = gradient + decay p; b = momentum b + g; p -= rate b, or rate (g + momentum b) with Nesterov's
 * variant, as PyTorch has it. Kernel: `MomentumStep`, in one pass and in place; the same roundings without it.
 *
 * @param slot b, a variable of the parameter's shape; without one b is g.
 */
export function momentumStep(parameter: Variable, gradient: Tensor, slot: Variable | undefined, options: MomentumStepOptions): void {
  const { rate, momentum, nesterov, decay } = options;
  tidy(() => {
    if (hasKernel('MomentumStep')) {
      assign([parameter, ...(slot ? [slot] : [])], runKernel('MomentumStep', { parameter, gradient, ...(slot && { slot }) }, { ...options }));
      return;
    }
    const g = decayed(parameter, gradient, decay);
    if (slot !== undefined) slot.assign(add(mul(slot, momentum), g));
    const heavy = slot ?? g;
    const direction = slot !== undefined && nesterov ? add(g, mul(heavy, momentum)) : heavy;
    parameter.assign(sub(parameter, mul(direction, rate)));
  });
}

/**
 * One step of Adam: g = gradient + decay p; m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2;
 * p -= length m / (sqrt(v) + epsilon). Kernel: `AdamStep`, in one pass and in place; the same roundings without it.
 *
 * @param mean m, a variable of the parameter's shape.
 * @param uncentered v, likewise.
 */
export function adamStep(parameter: Variable, gradient: Tensor, mean: Variable, uncentered: Variable, options: AdamStepOptions): void {
  const { length, beta1, beta2, epsilon, decay } = options;
  tidy(() => {
    if (hasKernel('AdamStep')) {
      const inputs: NamedTensorMap = { parameter, gradient, mean, square: uncentered };
      assign([parameter, mean, uncentered], runKernel('AdamStep', inputs, { ...options }));
      return;
    }
    const g = decayed(parameter, gradient, decay);
    mean.assign(add(mul(mean, beta1), mul(g, 1 - beta1)));
    uncentered.assign(add(mul(uncentered, beta2), mul(square(g), 1 - beta2)));
    const direction = div(mean, add(sqrt(uncentered), epsilon));
    parameter.assign(sub(parameter, mul(direction, length)));
  });
}

const decayed = (parameter: Tensor, gradient: Tensor, decay: number): Tensor => (decay > 0 ? add(gradient, mul(parameter, decay)) : gradient);

/** The results may be the variables' own memory under other tensors; assigning them settles who owns it. */
function assign(variables: readonly Variable[], values: readonly Tensor[]): void {
  variables.forEach((variable, i) => variable.assign(values[i]!));
}
