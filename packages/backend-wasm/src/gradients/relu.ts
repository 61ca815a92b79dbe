import { engine, type GradConfig, registerGradient, type Tensor, zerosLike } from '@tensorflow/tfjs-core';
import { hasKernel, overrideGradient } from './override.ts';

/** One kernel instead of step, cast and product, on backends that have it; the others keep TF.js's way. */
export function registerReluGradient(): void {
  overrideGradient('Relu', (stock) => ({
    ...stock,
    gradFunc: (dy, saved, attrs) =>
      hasKernel('ReluGrad') && saved[0]!.dtype === 'float32' ? { x: (): Tensor => engine().runKernel('ReluGrad', { dy: dy as Tensor, x: saved[0]! }) } : stock.gradFunc(dy, saved, attrs),
  }));
  registerGradient(second);
}

/** Linear in dy; in x it is a step, whose derivative is zero. */
const second: GradConfig = {
  kernelName: 'ReluGrad',
  inputsToSave: ['x'],
  gradFunc: (ddx, [x]) => ({
    dy: (): Tensor => engine().runKernel('ReluGrad', { dy: ddx as Tensor, x: x! }),
    x: (): Tensor => zerosLike(x!),
  }),
};
