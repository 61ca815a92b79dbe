import { engine, type GradConfig, registerGradient, type Tensor, zerosLike } from '@tensorflow/tfjs-core';

/** Second derivatives of pooling, which TF.js lacks: the gradients are linear in dy, and piecewise constant in the input. */
export function registerPoolGradients(): void {
  for (const rank of ['', '3D']) {
    registerGradient(averageGradient(`AvgPool${rank}`));
    registerGradient(maxGradient(`MaxPool${rank}Grad`));
  }
  registerGradient(gathered);
}

const averageGradient = (pool: string): GradConfig => ({
  kernelName: `${pool}Grad`,
  inputsToSave: ['input'],
  gradFunc: (ddx, [input], attrs) => ({
    dy: (): Tensor => engine().runKernel(pool, { x: ddx as Tensor }, attrs),
    input: (): Tensor => zerosLike(input!),
  }),
});

const maxGradient = (kernelName: string): GradConfig => ({
  kernelName,
  inputsToSave: ['input', 'output'],
  gradFunc: (ddx, saved, attrs) => {
    const [input, output] = saved as [Tensor, Tensor];
    return {
      dy: (): Tensor => engine().runKernel('MaxPoolGather', { from: ddx as Tensor, input, output }, attrs),
      input: (): Tensor => zerosLike(input),
      output: (): Tensor => zerosLike(output),
    };
  },
});

const gathered: GradConfig = {
  kernelName: 'MaxPoolGather',
  inputsToSave: ['input', 'output'],
  gradFunc: (dy, saved, attrs) => {
    const [input, output] = saved as [Tensor, Tensor];
    const kernelName = input.rank === 4 ? 'MaxPoolGrad' : 'MaxPool3DGrad';
    return {
      from: (): Tensor => engine().runKernel(kernelName, { dy: dy as Tensor, input, output }, attrs),
      input: (): Tensor => zerosLike(input),
      output: (): Tensor => zerosLike(output),
    };
  },
};
