import { add, concat, mean as meanOf, mul, reshape, rsqrt, slice, square, sub, type Tensor } from '@tensorflow/tfjs-core';
import { type Following, follow } from '../following.ts';
import { joined } from './fixed-norm.ts';
import { hasKernel, runKernel } from './fused.ts';

/** Neighbouring rows of a batch that are normalized together, with the parameters `[C]` that serve them. */
export interface Segment {
  readonly count: number;
  readonly scale: Tensor;
  readonly offset: Tensor;
}

/** What a segment's values were: mean and biased variance, `[C]`; zeros where there are none. */
export interface Statistics {
  readonly mean: Tensor;
  readonly variance: Tensor;
}

/**
 * Batch normalization over all axes but the last, each segment of rows by its own statistics, and what follows. Kernel: `BatchNormRows`, which takes
 * the batch as it stands; without it segments are cut out and joined again. Gradients flow through all that comes out.
 *
 * @param segments cover the rows of `x` in order; none is empty.
 */
export function normalizeRows(
  x: Tensor, segments: readonly Segment[], epsilon: number, next: Following,
): { output: Tensor; statistics: Statistics[] } {
  if (hasKernel('BatchNormRows')) return fused(x, segments, epsilon, next);
  let start = 0;
  const parts = segments.map((segment) => {
    const rows = segments.length === 1 ? x : slice(x, [start, ...x.shape.slice(1).map(() => 0)], [segment.count, ...x.shape.slice(1)]);
    start += segment.count;
    return composed(rows, segment, epsilon);
  });
  const output = parts.length === 1 ? parts[0]!.output : concat(parts.map((part) => part.output));
  return { output: follow(output, next), statistics: parts };
}

function fused(x: Tensor, segments: readonly Segment[], epsilon: number, next: Following): { output: Tensor; statistics: Statistics[] } {
  const [scale, offset] = [joined(segments.map((segment) => segment.scale)), joined(segments.map((segment) => segment.offset))];
  const inputs = { x, scale, offset, ...(next.plus && { plus: next.plus }) };
  const attrs = { counts: segments.map(({ count }) => count), epsilon, relu: next.relu, joined: next.plus !== undefined };
  const [output, mean, variance] = runKernel('BatchNormRows', inputs, attrs) as [Tensor, Tensor, Tensor];
  if (segments.length === 1) return { output, statistics: [{ mean, variance }] };
  const row = (values: Tensor, s: number): Tensor => reshape(slice(values, [s, 0], [1, values.shape[1]!]), [values.shape[1]!]);
  return { output, statistics: segments.map((_, s) => ({ mean: row(mean, s), variance: row(variance, s) })) };
}

function composed(x: Tensor, { scale, offset }: Segment, epsilon: number): Statistics & { output: Tensor } {
  const axes = x.shape.slice(0, -1).map((_, axis) => axis);
  const mean = meanOf(x, axes);
  const centered = sub(x, mean);
  const variance = meanOf(square(centered), axes);
  return { output: add(mul(centered, mul(scale, rsqrt(add(variance, epsilon)))), offset), mean, variance };
}
