import { abs, add, clipByValue, max, maximum, minimum, mul, sub, type Tensor, type Tensor1D, tidy } from '@tensorflow/tfjs-core';
import { parseEps } from './eps.ts';
import type { Bounds } from './model.ts';
import { flatRows, fused, signs } from './rows.ts';
import type { ThreatModel } from './threat.ts';

/**
 * Linf: no input value moves by more than `eps`. The steepest step is the sign of the gradient.
 *
 * @param eps a number or a fraction such as `'8/255'`, in the units of the model's bounds.
 * @throws RobustError `RJS_EPS`.
 */
export function linf(eps: number | string): ThreatModel {
  const size = parseEps(eps);
  const project = (inputs: Tensor, clean: Tensor, [low, high]: Bounds): Tensor =>
    tidy(() => clipByValue(minimum(maximum(inputs, sub(clean, size)), add(clean, size)), low, high));
  const steepest = (gradient: Tensor): Tensor => signs(gradient);
  return {
    norm: 'Linf',
    eps: size,
    project,
    randomStart: (clean, ids, random, bounds) =>
      tidy(() => {
        const noise = sub(mul(random.uniformRows(ids, clean.shape.slice(1)), 2), 1);
        return project(add(clean, mul(noise, size)), clean, bounds);
      }),
    steepest,
    fused: { kernelName: 'LinfStep', project, steepest },
    distance: (x, clean) => fused<Tensor1D>('LinfDistance', { x, clean }) ?? tidy(() => max<Tensor1D>(abs(flatRows(sub(x, clean))), 1)),
  };
}

/** The whole box of valid inputs: an attacker without a budget, for sanity checks. Moves as {@link linf} does. */
export function box(bounds: Bounds): ThreatModel {
  return { ...linf(bounds[1] - bounds[0]), norm: 'box' };
}
