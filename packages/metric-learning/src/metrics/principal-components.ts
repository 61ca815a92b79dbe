import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { checkFinite } from '../errors.ts';
import type { EmbeddingRows } from './density.ts';

/** Directions in which embeddings vary most. */
export interface PrincipalComponents {
  /** Mean of the rows, by dimension. */
  readonly mean: Float64Array;
  /** Unit directions, that of the largest variance first; the largest of a direction's numbers is positive, so that signs do not depend on the solver. */
  readonly directions: readonly Float64Array[];
  /** Variance along each direction. */
  readonly variances: readonly number[];
  /** Coordinates of a row along the directions. */
  readonly project: (row: ArrayLike<number>) => number[];
}

/**
 * Principal components of embeddings, for pictures of them.
 *
 * @param count directions wanted, up to as many as there are dimensions. Default 2.
 * @throws RobustError `RJS_METRIC_EMBEDDINGS` for embeddings that are not finite.
 */
export function principalComponents({ values, dimensions }: Pick<EmbeddingRows, 'values' | 'dimensions'>, count = 2): PrincipalComponents {
  checkFinite(values);
  const rows = values.length / dimensions;
  const mean = new Float64Array(dimensions);
  values.forEach((value, i) => (mean[i % dimensions]! += value / rows));
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(covariance(values, mean), { assumeSymmetric: true });
  const order = realEigenvalues.map((_, k) => k).sort((a, b) => realEigenvalues[b]! - realEigenvalues[a]!).slice(0, count);
  const directions = order.map((k) => oriented(Float64Array.from(eigenvectorMatrix.getColumn(k))));
  return {
    mean,
    directions,
    variances: order.map((k) => Math.max(0, realEigenvalues[k]!)),
    project: (row) => directions.map((direction) => direction.reduce((sum, value, k) => sum + value * (row[k]! - mean[k]!), 0)),
  };
}

function covariance(values: Float32Array, mean: Float64Array): Matrix {
  const dimensions = mean.length;
  const rows = values.length / dimensions;
  const result = Matrix.zeros(dimensions, dimensions);
  for (let start = 0; start < values.length; start += dimensions) {
    for (let i = 0; i < dimensions; i++) {
      for (let j = 0; j <= i; j++) result.set(i, j, result.get(i, j) + ((values[start + i]! - mean[i]!) * (values[start + j]! - mean[j]!)) / rows);
    }
  }
  for (let i = 0; i < dimensions; i++) for (let j = 0; j < i; j++) result.set(j, i, result.get(i, j));
  return result;
}

function oriented(direction: Float64Array): Float64Array {
  const largest = direction.reduce((best, value) => (Math.abs(value) > Math.abs(best) ? value : best), 0);
  return largest < 0 ? direction.map((value) => -value) : direction;
}
