import { add, clone, concat, engine, type GradConfig, mul, pow, rsqrt, sub, type Tensor, zerosLike } from '@tensorflow/tfjs-core';
import type { BatchNormRowsAttrs } from '../native/batch-norm.ts';
import { channelSegments, rowSegments, segmentSums, timesSegments } from './row-segments.ts';

/** What a rectified output lets through of its gradient. */
export const letThrough = (dy: Tensor, y: Tensor): Tensor => engine().runKernel<Tensor>('ReluGrad', { dy, x: y });

/** y = (x - mean) g + offset + plus, rectified or not, with g = scale r and r = 1 / sqrt(variance + epsilon). */
export const fixedGradient: GradConfig = {
  kernelName: 'BatchNormFixed',
  inputsToSave: ['x', 'scale', 'mean', 'variance'],
  outputsToSave: [true],
  gradFunc: (gradient, saved, attrs) => {
    const [dy, x, scale, mean, variance, y] = [gradient, ...saved] as [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];
    const { counts, epsilon, relu } = attrs as unknown as BatchNormRowsAttrs;
    const r = (): Tensor => rsqrt(add(variance, epsilon));
    // Only an input is wanted mostly: both of its gradients are one kernel's, the others are composed when asked for.
    const [dx, dPlus] = relu
      ? engine().runKernel<Tensor[]>('BatchNormFixedGrad', { dy, y, scale, variance }, attrs)
      : [timesSegments(dy, mul(scale, r()), counts), dy];
    const kept = (): Tensor => dPlus ?? letThrough(dy, y);
    const sums = (): Tensor => segmentSums(kept(), counts, scale);
    const products = (): Tensor => segmentSums(mul(kept(), centered(x, mean, counts)), counts, scale);
    return {
      x: () => dx!,
      plus: () => clone(kept()),
      offset: sums,
      scale: () => mul(products(), r()),
      mean: () => mul(sums(), mul(mul(scale, r()), -1)),
      variance: () => mul(products(), mul(mul(scale, pow(r(), 3)), -0.5)),
    };
  },
};

const centered = (x: Tensor, mean: Tensor, counts: readonly number[]): Tensor => {
  const means = channelSegments(mean, counts);
  return concat(rowSegments(x, counts).map((part, s) => sub(part, means[s]!)));
};

/** dx = g P(dy) and dplus = P(dy), where P lets through what the output's sign allows: linear in dy. */
export const fixedSecond: GradConfig = {
  kernelName: 'BatchNormFixedGrad',
  inputsToSave: ['dy', 'y', 'scale', 'variance'],
  gradFunc: (seconds, saved, attrs) => {
    const [dy, y, scale, variance] = saved as [Tensor, Tensor, Tensor, Tensor];
    const [a, b] = [seconds].flat() as [Tensor, Tensor | undefined];
    const { counts, epsilon } = attrs as unknown as BatchNormRowsAttrs;
    const r = (): Tensor => rsqrt(add(variance, epsilon));
    const products = (): Tensor => segmentSums(mul(a, letThrough(dy, y)), counts, scale);
    return {
      dy: () => {
        const scaled = timesSegments(a, mul(scale, r()), counts);
        return letThrough(b === undefined ? scaled : add(scaled, b), y);
      },
      y: () => zerosLike(y),
      scale: () => mul(products(), r()),
      variance: () => mul(products(), mul(mul(scale, pow(r(), 3)), -0.5)),
    };
  },
};
