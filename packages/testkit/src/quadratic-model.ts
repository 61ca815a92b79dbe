import { type Model, modelOf } from '@robustjs/core';
import { concat, sub, square, sum, tidy, zerosLike } from '@tensorflow/tfjs-core';

/**
 * Class 0 inside a ball, class 1 outside: logits `[radius^2 - ||x||^2, 0]` of inputs `[N, size]` in [-1, 1]. The smallest
 * L2 perturbation of x has length `radius - ||x||`; at the origin the gradient is zero, so an attack from there stalls.
 */
export function quadraticModel(size: number, radius: number): Model {
  return modelOf(
    (inputs) =>
      tidy(() => {
        const inside = sub(radius ** 2, sum(square(inputs), 1, true));
        return concat([inside, zerosLike(inside)], 1);
      }),
    { inputShape: [size], bounds: [-1, 1] },
  );
}
