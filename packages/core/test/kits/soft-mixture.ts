// MultiBN's test time from outside: a small selector weighs the branches for every input, and is part of the model.
import { type Branch, mix, type Model, type NamedVariable, type RandomStream } from '@robustjs/core';
import { fanInUniform, namedVariable } from '@robustjs/nn';
import { matMul, type Rank, reshape, softmax, type Tensor, type Tensor2D, tidy } from '@tensorflow/tfjs-core';

export interface SoftMixture extends Model {
  /** `[N, K]`: how much each branch counts for each input. */
  weightsOf(inputs: Tensor): Tensor2D;
}

/** The model is the caller's still; disposing the mixture releases the selector alone. */
export function softMixture(model: Model, branches: readonly Branch[], random: RandomStream): SoftMixture {
  const size = model.inputShape.reduce((product, length) => product * length, 1);
  const selector: NamedVariable = namedVariable('selector/kernel', fanInUniform([size, branches.length], random));
  const weightsOf = (inputs: Tensor): Tensor2D =>
    tidy(() => softmax(matMul(reshape<Rank.R2>(inputs, [-1, size]), selector.variable as unknown as Tensor2D)));
  return {
    ...model,
    branches: ['main'],
    parameters: [selector],
    buffers: [],
    weightsOf,
    forward: (inputs, pass) => tidy(() => model.forward(inputs, { ...pass, route: mix(branches, weightsOf(inputs)) })),
    dispose: () => selector.variable.dispose(),
  };
}
