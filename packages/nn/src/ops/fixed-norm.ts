import { add, concat, mul, rsqrt, slice, stack, sub, type Tensor } from '@tensorflow/tfjs-core';
import { type Following, follow } from '../following.ts';
import type { Segment } from './batch-norm-rows.ts';
import { hasKernel, runKernel } from './fused.ts';

/** Neighbouring rows of a batch that are normalized by the same statistics, `[C]`. */
export interface FixedSegment extends Segment {
  readonly mean: Tensor;
  readonly variance: Tensor;
}

const NAMES = ['scale', 'offset', 'mean', 'variance'] as const;

/**
 * Normalization over the last axis by given statistics, `(x - mean) scale / sqrt(variance + epsilon) + offset`, each segment of rows by
 * its own, and what follows. Kernel: `BatchNormFixed`, in one pass over the batch.
 *
 * @param segments cover the rows of `x` in order; none is empty.
 */
export function normalizeFixed(x: Tensor, segments: readonly FixedSegment[], epsilon: number, next: Following): Tensor {
  if (!hasKernel('BatchNormFixed')) return follow(composed(x, segments, epsilon), next);
  const values = NAMES.map((name) => [name, joined(segments.map((segment) => segment[name]))] as const);
  const inputs = { x, ...Object.fromEntries(values), ...(next.plus && { plus: next.plus }) };
  const attrs = { counts: segments.map(({ count }) => count), epsilon, relu: next.relu, joined: next.plus !== undefined };
  return runKernel('BatchNormFixed', inputs, attrs)[0]!;
}

/** `[S, C]`; `[C]` as it is for one segment. */
export const joined = (values: readonly Tensor[]): Tensor => (values.length === 1 ? values[0]! : stack([...values]));

function composed(x: Tensor, segments: readonly FixedSegment[], epsilon: number): Tensor {
  let start = 0;
  const parts = segments.map(({ count, scale, offset, mean, variance }) => {
    const rows = segments.length === 1 ? x : slice(x, [start, ...x.shape.slice(1).map(() => 0)], [count, ...x.shape.slice(1)]);
    start += count;
    const gain = mul(scale, rsqrt(add(variance, epsilon)));
    return add(mul(rows, gain), sub(offset, mul(mean, gain)));
  });
  return parts.length === 1 ? parts[0]! : concat(parts);
}
