import { add, mean as meanOf, mul, reshape, rsqrt, square, sub, type Tensor } from '@tensorflow/tfjs-core';
import { hasKernel, runKernel } from './fused.ts';

/** A batch normalized by its own statistics, and these: mean and biased variance, `[C]`. */
export interface Normalized {
  readonly output: Tensor;
  readonly mean: Tensor;
  readonly variance: Tensor;
}

/**
 * Batch normalization over all axes but the last with the statistics of the batch. Kernel: `BatchNormRows`. Gradients flow
 * through `output` alone.
 */
export function normalizeBatch(x: Tensor, scale: Tensor, offset: Tensor, epsilon: number): Normalized {
  if (hasKernel('BatchNormRows')) {
    const rows = (values: Tensor): Tensor => reshape(values, [1, values.size]);
    const inputs = { x, scale: rows(scale), offset: rows(offset) };
    const [output, mean, variance] = runKernel('BatchNormRows', inputs, { counts: [x.shape[0]], epsilon }) as [Tensor, Tensor, Tensor];
    return { output, mean: reshape(mean, scale.shape), variance: reshape(variance, scale.shape) };
  }
  const axes = x.shape.slice(0, -1).map((_, axis) => axis);
  const mean = meanOf(x, axes);
  const centered = sub(x, mean);
  const variance = meanOf(square(centered), axes);
  return { output: add(mul(centered, mul(scale, rsqrt(add(variance, epsilon)))), offset), mean, variance };
}
