import { kmeans } from 'ml-kmeans';
import { checkFinite } from '../errors.ts';
import type { EmbeddingRows } from './density.ts';

/** Normalized mutual information of two labelings, in [0, 1]: `2 I / (H + H)`. 1 where both put everything into one group. */
export function normalizedMutualInformation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const entropy = (counts: readonly number[]): number => -counts.reduce((sum, count) => sum + (count / a.length) * Math.log(count / a.length), 0);
  const [ofA, ofB] = [entropy(countsOf(a, (i) => String(a[i]))), entropy(countsOf(b, (i) => String(b[i])))];
  const joint = entropy(countsOf(a, (i) => `${a[i]} ${b[i]}`));
  // Rounding may leave what is 0 or 1 slightly outside.
  return ofA + ofB === 0 ? 1 : Math.min(1, Math.max(0, (2 * (ofA + ofB - joint)) / (ofA + ofB)));
}

function countsOf(list: ArrayLike<number>, key: (i: number) => string): number[] {
  const counts = new Map<string, number>();
  for (let i = 0; i < list.length; i++) counts.set(key(i), (counts.get(key(i)) ?? 0) + 1);
  return [...counts.values()];
}

/**
 * How well k-means, with as many groups as classes, finds the classes: normalized mutual information, the mean over seeds. It depends on the
 * clustering: half a point between two implementations means nothing. Embeddings that all lie in one place say nothing of classes: 0.
 *
 * @param seeds of the clusterings. Default 0, 1, 2.
 * @throws RobustError `RJS_METRIC_EMBEDDINGS` for embeddings that are not finite.
 */
export function clusteringNmi({ values, dimensions, labels }: EmbeddingRows, seeds: readonly number[] = [0, 1, 2]): number {
  checkFinite(values);
  const rows = Array.from(labels, (_, i) => Array.from(values.subarray(i * dimensions, (i + 1) * dimensions)));
  const groups = new Set(labels).size;
  const scores = seeds.map((seed) => normalizedMutualInformation(labels, kmeans(rows, groups, { seed, initialization: 'kmeans++', maxIterations: 20 }).clusters));
  return scores.reduce((a, b) => a + b, 0) / scores.length;
}
