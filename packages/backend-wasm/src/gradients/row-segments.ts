import { concat, mul, reshape, slice, sum, type Tensor } from '@tensorflow/tfjs-core';

/** All axes but the last. */
export const leading = (x: Tensor): number[] => x.shape.slice(0, -1).map((_, axis) => axis);

/** The parts of `x` of that many rows each. */
export function rowSegments(x: Tensor, counts: readonly number[]): Tensor[] {
  if (counts.length === 1) return [x];
  let start = 0;
  return counts.map((count) => {
    const part = slice(x, [start, ...x.shape.slice(1).map(() => 0)], [count, ...x.shape.slice(1)]);
    start += count;
    return part;
  });
}

/** The values by channel, `[C]`, of each segment, from `[S, C]`, or `[C]` for one. */
export const channelSegments = (values: Tensor, counts: readonly number[]): Tensor[] =>
  counts.map((_, s) => (values.rank === 1 ? values : reshape(slice(values, [s, 0], [1, values.shape[1]!]), [values.shape[1]!])));

/** Sums of `x` over each segment, shaped as `like`: `[S, C]` or `[C]`. */
export const segmentSums = (x: Tensor, counts: readonly number[], like: Tensor): Tensor =>
  reshape(concat(rowSegments(x, counts).map((part) => sum(part, leading(part)))), like.shape);

/** `x` times the values by channel that serve each segment. */
export function timesSegments(x: Tensor, values: Tensor, counts: readonly number[]): Tensor {
  const factors = channelSegments(values, counts);
  const parts = rowSegments(x, counts).map((part, s) => mul(part, factors[s]!));
  return parts.length === 1 ? parts[0]! : concat(parts);
}
