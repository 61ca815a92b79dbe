import { projectedStep as step, type Search } from '@robustjs/core';
import type { Tensor } from '@tensorflow/tfjs-core';

/** One projected step of length `alpha` from `inputs` along the steepest direction for `gradient`. Disposes neither. */
export const projectedStep = ({ threat, clean, bounds }: Search, inputs: Tensor, gradient: Tensor, alpha: number): Tensor =>
  step(threat, { inputs, clean, bounds }, gradient, alpha);
