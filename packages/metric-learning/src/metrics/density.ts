import { RobustError } from '@robustjs/core';
import { checkFinite } from '../errors.ts';

/** Embeddings as plain rows one after the other. */
export interface EmbeddingRows {
  readonly values: Float32Array;
  readonly dimensions: number;
  readonly labels: Int32Array;
}

/** How densely classes lie, by cosine distances. */
export interface Density {
  /** Mean over classes of the mean distance of two examples; classes of one example are left out. */
  readonly intra: number;
  /** Mean distance of two class means. */
  readonly inter: number;
  /** `intra / inter`; null where all class means lie in one place. Roth et al. find that generalization goes with larger values, for ranking losses. */
  readonly ratio: number | null;
}

// Sums of unit rows in double precision are right to about this much: class means that are nearer lie in one place.
const ROUNDING = 1e-12;

/**
 * Embedding space density (Roth et al., ICML 2020, section 5). A row of zeros has no direction and is left out, and so is a class mean of zero.
 *
 * @throws RobustError `RJS_METRIC_CLASSES` for fewer than two classes, or none with two examples; `RJS_METRIC_EMBEDDINGS` for embeddings that
 * are not finite.
 */
export function density({ values, dimensions, labels }: EmbeddingRows): Density {
  checkFinite(values);
  const sums = new Map<number, { count: number; sum: Float64Array }>();
  labels.forEach((label, i) => {
    const row = unit(values.subarray(i * dimensions, (i + 1) * dimensions));
    if (row === undefined) return;
    const entry = sums.get(label) ?? { count: 0, sum: new Float64Array(dimensions) };
    row.forEach((value, k) => (entry.sum[k]! += value));
    sums.set(label, { ...entry, count: entry.count + 1 });
  });
  const classes = [...sums.values()];
  const paired = classes.filter(({ count }) => count > 1);
  const centers = classes.flatMap(({ sum }) => unit(sum) ?? []);
  if (centers.length < 2 || paired.length === 0) {
    throw new RobustError('RJS_METRIC_CLASSES', { expected: 'two classes, and one of two examples or more', got: `${centers.length} classes with a direction`, fix: 'use more examples' });
  }
  // Cosines of all ordered pairs of different unit rows add up to |sum|^2 - count.
  const intra = mean(paired.map(({ count, sum }) => 1 - (dot(sum, sum) - count) / (count * (count - 1))));
  const total = centers.reduce((all, center) => all.map((value, k) => value + center[k]!), new Float64Array(dimensions));
  const inter = 1 - (dot(total, total) - centers.length) / (centers.length * (centers.length - 1));
  return { intra: Math.max(0, intra), inter: Math.max(0, inter), ratio: inter > ROUNDING ? Math.max(0, intra) / inter : null };
}

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, k) => sum + value * b[k]!, 0);
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** The row at length 1; undefined: it has no direction. */
function unit(row: ArrayLike<number>): Float64Array | undefined {
  const copy = Float64Array.from(row);
  const length = Math.sqrt(dot(copy, copy));
  return length > 0 ? copy.map((value) => value / length) : undefined;
}
