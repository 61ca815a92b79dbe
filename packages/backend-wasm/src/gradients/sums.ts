import { div, engine, type GradConfig, type NamedAttrMap, registerGradient, reshape, sum, type Tensor, util } from '@tensorflow/tfjs-core';
import type { RepeatAttrs } from '../native/repeat.ts';
import { hasKernel, overrideGradient } from './override.ts';

/** One kernel instead of a product with ones, on backends that have it and for neighbouring axes. */
export function registerSumGradients(): void {
  for (const kernelName of ['Sum', 'Mean'])
    overrideGradient(kernelName, (stock) => ({
      ...stock,
      gradFunc: (dy, saved, attrs) => {
        const plan = repetition(kernelName, saved[0]!, attrs);
        if (plan === undefined) return stock.gradFunc(dy, saved, attrs);
        return { x: (): Tensor => engine().runKernel('RepeatAxes', { x: dy as Tensor }, plan as unknown as NamedAttrMap) };
      },
    }));
  registerGradient(second);
}

function repetition(kernelName: string, x: Tensor, attrs: NamedAttrMap): RepeatAttrs | undefined {
  const axes = util.parseAxisParam(attrs['axis'] as number[], x.shape);
  const [from, to] = [Math.min(...axes), Math.max(...axes) + 1];
  const neighbours = axes.length > 0 && to - from === axes.length;
  if (!neighbours || !hasKernel('RepeatAxes') || x.dtype !== 'float32') return undefined;
  return { shape: x.shape, from, to, divisor: kernelName === 'Mean' ? util.sizeFromShape(x.shape.slice(from, to)) : 1 };
}

/** Linear: the sum over the repeated axes. */
const second: GradConfig = {
  kernelName: 'RepeatAxes',
  inputsToSave: ['x'],
  gradFunc: (ddy, [x], attrs) => {
    const { from, to, divisor } = attrs as unknown as RepeatAttrs;
    return { x: (): Tensor => reshape(div(sum(ddy as Tensor, Array.from({ length: to - from }, (_, i) => from + i)), divisor), x!.shape) };
  },
};
