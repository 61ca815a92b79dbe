import { customGrad, type Tensor, tidy, zerosLike } from '@tensorflow/tfjs-core';

/**
 * A value computed from tensors that no gradient flows back to. TF.js has no stop-gradient, and throws at a comparison on the way to
 * the loss; what a custom operation computes inside stands on no tape.
 */
export function detached<T extends Tensor>(inputs: readonly Tensor[], value: (inputs: readonly Tensor[]) => T): T {
  const op = customGrad((...args) => {
    // The last argument saves tensors for the gradient; nothing is saved.
    const tensors = args.slice(0, inputs.length) as Tensor[];
    return { value: tidy(() => value(tensors)), gradFunc: () => tensorsLike(inputs) };
  });
  return op(...inputs);
}

const tensorsLike = (inputs: readonly Tensor[]): Tensor[] => inputs.map((input) => zerosLike(input));
