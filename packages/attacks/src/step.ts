import type { Search } from '@robustjs/core';
import { add, mul, type Tensor, tidy } from '@tensorflow/tfjs-core';

/** One projected step of length `alpha` from `inputs` along the steepest direction for `gradient`. Disposes neither. */
export function projectedStep(search: Search, inputs: Tensor, gradient: Tensor, alpha: number): Tensor {
  return tidy(() => {
    const direction = search.threat.steepest(gradient, inputs, search.bounds);
    return search.project(add(inputs, mul(direction, alpha)));
  });
}
