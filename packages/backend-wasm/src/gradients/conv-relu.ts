import { engine, type GradConfig, registerGradient, type Tensor } from '@tensorflow/tfjs-core';
import { biasGradient, run } from './fused.ts';

/** The gradient of `Conv2DRelu`: an attack runs one kernel for it, which reads the ReLU's mask as it pads the output gradient. */
export function registerConvReluGradient(): void {
  registerGradient(config);
}

const config: GradConfig = {
  kernelName: 'Conv2DRelu',
  inputsToSave: ['x', 'filter'],
  // For its sign alone.
  outputsToSave: [true],
  gradFunc: (gradient, saved, attrs) => {
    const [given, x, filter, y] = [gradient as Tensor, ...saved] as [Tensor, Tensor, Tensor, Tensor];
    const dy = (): Tensor => run('ReluGrad', { dy: given, x: y });
    const shaped = { ...attrs, inputShape: x.shape };
    // Both kernels of the second way have gradients, which double backprop needs.
    const once = engine().state.gradientDepth === 0;
    return {
      x: () => (once ? run('Conv2DReluBackpropInput', { dy: given, filter, y }, shaped) : run('Conv2DBackpropInput', { dy: dy(), filter }, shaped)),
      filter: () => run('Conv2DBackpropFilter', { x, dy: dy() }, { ...attrs, filterShape: filter.shape }),
      bias: () => biasGradient(dy(), [y.shape.at(-1)!]),
    };
  },
};
