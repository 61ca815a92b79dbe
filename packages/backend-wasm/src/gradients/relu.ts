import { engine, getBackend, getGradient, getKernel, type GradConfig, registerGradient, type Tensor, unregisterGradient, zerosLike } from '@tensorflow/tfjs-core';

/** One kernel instead of step, cast and product, on backends that have it; the others keep TF.js's way. */
export function registerReluGradient(): void {
  const stock = getGradient('Relu');
  unregisterGradient('Relu');
  registerGradient({
    ...stock,
    gradFunc: (dy, saved, attrs) =>
      hasKernel() ? { x: (): Tensor => engine().runKernel('ReluGrad', { dy: dy as Tensor, x: saved[0]! }) } : stock.gradFunc(dy, saved, attrs),
  });
  registerGradient(second);
}

const hasKernel = (): boolean => (getKernel('ReluGrad', getBackend()) as object | undefined) !== undefined;

/** Linear in dy; in x it is a step, whose derivative is zero. */
const second: GradConfig = {
  kernelName: 'ReluGrad',
  inputsToSave: ['x'],
  gradFunc: (ddx, [x]) => ({
    dy: (): Tensor => engine().runKernel('ReluGrad', { dy: ddx as Tensor, x: x! }),
    x: (): Tensor => zerosLike(x!),
  }),
};
