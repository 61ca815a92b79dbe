import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { checkFinite, checkNumber } from '../errors.ts';
import type { EmbeddingRows } from './density.ts';

/**
 * Spectral decay: the divergence of the uniform distribution from the singular values of the embeddings (not centred), scaled to add up to 1.
 * 0: all directions are used alike; the lower, the better an embedding generalizes in Roth et al. (ICML 2020, section 5).
 *
 * @param from first singular value that counts, largest first, from 1 to as many as there are. Default 1. Below zero: the same values, and the
 * divergence of their distribution from the uniform one.
 * @returns infinite where a direction is not used at all; below zero, where none is.
 * @throws RobustError `RJS_METRIC_OPTION`; `RJS_METRIC_EMBEDDINGS` for embeddings that are not finite.
 */
export function spectralDecay(rows: Pick<EmbeddingRows, 'values' | 'dimensions'>, from = 1): number {
  const first = checkNumber('from', from, Number.isInteger(from) && from !== 0 && Math.abs(from) <= rows.dimensions, `a whole number from 1 to ${rows.dimensions}, or its negative`);
  const values = singularValues(rows).slice(Math.abs(first) - 1);
  const total = values.reduce((a, b) => a + b, 0);
  if (total === 0) return Infinity;
  if (first > 0) return values.reduce((sum, value) => sum - Math.log((values.length * value) / total), 0) / values.length;
  return values.reduce((sum, value) => sum + (value > 0 ? (value / total) * Math.log((values.length * value) / total) : 0), 0);
}

/**
 * Singular values of embeddings, largest first: as many as dimensions.
 *
 * @throws RobustError `RJS_METRIC_EMBEDDINGS` for embeddings that are not finite.
 */
export function singularValues({ values, dimensions }: Pick<EmbeddingRows, 'values' | 'dimensions'>): number[] {
  checkFinite(values);
  const gram = Matrix.zeros(dimensions, dimensions);
  for (let start = 0; start < values.length; start += dimensions) {
    for (let i = 0; i < dimensions; i++) {
      for (let j = 0; j <= i; j++) gram.set(i, j, gram.get(i, j) + values[start + i]! * values[start + j]!);
    }
  }
  for (let i = 0; i < dimensions; i++) for (let j = 0; j < i; j++) gram.set(j, i, gram.get(i, j));
  const { realEigenvalues } = new EigenvalueDecomposition(gram, { assumeSymmetric: true });
  return realEigenvalues.map((value) => Math.sqrt(Math.max(0, value))).sort((a, b) => b - a);
}
