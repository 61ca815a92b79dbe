import type { Model, Objective, Pass } from '@robustjs/core';
import { customGrad, engine, sum, type Tensor, type Tensor1D, tidy, zeros } from '@tensorflow/tfjs-core';

/**
 * Gradient of an objective with respect to inputs; undefined where the model has none, because an operation has no gradient
 * or nothing links the output to the input.
 */
export function tryGradient(model: Model, pass: Pass, objective: Objective, inputs: Tensor, labels: Tensor1D): Tensor | undefined {
  if (model.differentiable === false) return undefined;
  try {
    const score = (): Tensor => sum(objective(model.forward(inputs, pass), labels));
    // The tidy owns the value, which is out of reach after a throw.
    return tidy(() => engine().gradients(score, [inputs], undefined as never, true).grads[0]);
  } catch {
    releaseTape();
    return undefined;
  }
}

// TF.js frees what its tape saved only when the backward pass ends; after a throw that is left to the caller.
function releaseTape(): void {
  const { state } = engine();
  for (const node of state.activeTape ?? []) node.saved?.forEach((saved) => saved.dispose());
  state.activeTape = null as never;
}

/** The same model with a gradient of zero, so that attacks run on a model that has none instead of throwing in the tape. */
export function withZeroGradient(model: Model): Model {
  return {
    ...model,
    differentiable: true,
    forward: (inputs, pass) =>
      customGrad((x) => ({
        value: model.forward(x as Tensor, pass),
        gradFunc: (dy: Tensor) => zeros([dy.shape[0], ...model.inputShape]),
      }))(inputs),
  };
}
