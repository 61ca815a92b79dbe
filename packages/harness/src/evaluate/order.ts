import { randomStream } from '@robustjs/core';
import type { Dataset } from '@robustjs/datasets';

/**
 * The positions of a data set's examples in the order in which they are evaluated. It depends on the ids alone: a prefix is
 * the same random sample however the set is ordered, and whatever the seed, so that entries can be compared pair by pair.
 */
export function exampleOrder(dataset: Dataset): Int32Array {
  const byId = dataset.ids.map((_, row) => row).sort((a, b) => dataset.ids[a]! - dataset.ids[b]!);
  return randomStream(0).split('examples').permutation(dataset.size).map((place) => byId[place]!);
}
