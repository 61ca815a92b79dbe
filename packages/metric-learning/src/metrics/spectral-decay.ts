import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import type { EmbeddingRows } from './density.ts';

/**
 * Spectral decay: the divergence of the uniform distribution from the singular values of the embeddings (not centred), scaled to add up to 1.
 * 0: all directions are used alike; the lower, the better an embedding generalizes in Roth et al. (ICML 2020, section 5).
 *
 * @param from first singular value that counts, largest first, from 1. Default 1.
 * @returns infinite where a direction is not used at all.
 */
export function spectralDecay(rows: Pick<EmbeddingRows, 'values' | 'dimensions'>, from = 1): number {
  const values = singularValues(rows).slice(from - 1);
  const total = values.reduce((a, b) => a + b, 0);
  return values.reduce((sum, value) => sum - Math.log((values.length * value) / total), 0) / values.length;
}

/** Singular values of embeddings, largest first: as many as dimensions. */
export function singularValues({ values, dimensions }: Pick<EmbeddingRows, 'values' | 'dimensions'>): number[] {
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
