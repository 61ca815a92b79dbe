import { type GradConfig, registerGradient, type Tensor } from '@tensorflow/tfjs-core';
import { biasGradient, run } from './fused.ts';

/** The gradient of `Dense`: matrix products as they lie, where TF.js's op reshapes all operands to batches and back. */
export function registerDenseGradient(): void {
  registerGradient(config);
}

const config: GradConfig = {
  kernelName: 'Dense',
  inputsToSave: ['x', 'weights'],
  // For its sign alone.
  outputsToSave: [true],
  gradFunc: (gradient, saved, { relu }) => {
    const [given, x, weights, y] = [gradient as Tensor, ...saved] as [Tensor, Tensor, Tensor, Tensor];
    const dy = (): Tensor => (relu === true ? run('ReluGrad', { dy: given, x: y }) : given);
    return {
      x: () => run('BatchMatMul', { a: dy(), b: weights }, { transposeA: false, transposeB: true }),
      weights: () => run('BatchMatMul', { a: x, b: dy() }, { transposeA: true, transposeB: false }),
      bias: () => biasGradient(dy(), [y.shape[1]!]),
    };
  },
};
