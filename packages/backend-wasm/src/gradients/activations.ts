import {
  engine, exp, type GradConfig, less, mul, type NamedAttrMap, registerGradient, sigmoid, sub, type Tensor, where, zerosLike,
} from '@tensorflow/tfjs-core';
import { ACTIVATIONS, gradientName } from '../native/activations.ts';
import { hasKernel, overrideGradient } from './override.ts';

/**
 * One kernel from dy and the input, on backends that have it; the others keep TF.js's way. The input is saved, not the output: a
 * saved output loses its link to the input, and second derivatives would be wrong.
 */
export function registerActivationGradients(): void {
  for (const name of Object.keys(ACTIVATIONS) as (keyof typeof ACTIVATIONS)[]) {
    overrideGradient(name, (stock) => fromInput(name, stock));
    registerGradient(second(name));
  }
}

function fromInput(name: string, stock: GradConfig): GradConfig {
  const ofOutput = stock.outputsToSave?.[0] === true;
  return {
    kernelName: name,
    inputsToSave: ['x'],
    outputsToSave: [ofOutput],
    gradFunc: (dy, saved, attrs) => {
      if (!hasKernel(gradientName(name)) || saved[0]!.dtype !== 'float32') return stock.gradFunc(dy, ofOutput ? saved.slice(1) : saved, attrs);
      return { x: (): Tensor => gradient(name, dy as Tensor, saved[0]!, attrs) };
    },
  };
}

const gradient = (name: string, dy: Tensor, x: Tensor, attrs: NamedAttrMap): Tensor => engine().runKernel(gradientName(name), { dy, x }, attrs);

/** Linear in dy; in x the pieces of straight lines have none, the others the derivative that stands in `curvature`. */
const second = (name: keyof typeof ACTIVATIONS): GradConfig => ({
  kernelName: gradientName(name),
  inputsToSave: ['dy', 'x'],
  gradFunc: (ddx, saved, attrs) => {
    const [dy, x] = saved as [Tensor, Tensor];
    return {
      dy: (): Tensor => gradient(name, ddx as Tensor, x, attrs),
      x: (): Tensor => {
        const bent = curvature[name]?.(x);
        return bent === undefined ? zerosLike(x) : mul(mul(ddx as Tensor, dy), bent);
      },
    };
  },
});

const curvature: Partial<Record<keyof typeof ACTIVATIONS, (x: Tensor) => Tensor>> = {
  Elu: (x) => where(less(x, 0), exp(x), zerosLike(x)),
  Softplus: (x) => mul(sigmoid(x), sub(1, sigmoid(x))),
};
