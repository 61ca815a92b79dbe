import type { Model } from '@robustjs/core';
import { clone, customGrad, type Tensor, tidy } from '@tensorflow/tfjs-core';

/** A function of a batch of inputs, row by row. */
export type InputTransform = (inputs: Tensor) => Tensor;

/**
 * Backward pass differentiable approximation: a function that goes forward as `transform`, which may have no gradient or a
 * useless one (quantization, JPEG, a non-differentiable filter), and backward as `surrogate`.
 *
 * Source: Athalye, Carlini, Wagner, ICML 2018, section 4.1.
 *
 * @param surrogate a differentiable function of the same shapes. Default: the identity, for transforms that keep inputs about
 * as they are; the result must then have the shape of the inputs.
 */
export function bpda(transform: InputTransform, surrogate?: InputTransform): InputTransform {
  return (inputs) =>
    tidy(() => {
      // The surrogate is on the tape as ever; its values are replaced, and what comes back passes on to it.
      const replaced = customGrad(() => ({ value: tidy(() => clone(transform(inputs))), gradFunc: (dy: Tensor) => clone(dy) }));
      return replaced(surrogate === undefined ? inputs : surrogate(inputs));
    });
}

/**
 * The model behind a step of preprocessing, as one model: attacks then go through both. With {@link bpda} a step without a
 * usable gradient gets another.
 *
 * @param preprocess from inputs in the model's bounds to inputs the model takes.
 */
export const withPreprocessing = (model: Model, preprocess: InputTransform): Model => ({
  ...model,
  forward: (inputs, pass) => tidy(() => model.forward(preprocess(inputs), pass)),
});
