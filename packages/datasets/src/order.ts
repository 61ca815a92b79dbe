import type { RandomStream } from '@robustjs/core';
import type { Dataset } from './dataset.ts';

/**
 * All positions of a data set in a random order that depends on the ids alone: the same examples come in the same order
 * whatever order they are stored in, and examples that are missing do not disturb the rest.
 */
export function randomOrder({ ids }: Dataset, stream: RandomStream): Int32Array {
  const draws = Float64Array.from(ids, (id) => {
    const [high = 0, low = 0] = stream.split(id).uniform(2);
    return high + low * 2 ** -24;
  });
  return ids.map((_, row) => row).sort((a, b) => draws[a]! - draws[b]! || ids[a]! - ids[b]!);
}

/** A random order in which every prefix holds the classes in the proportions of the whole, but for rounding. */
export function stratifiedOrder(dataset: Dataset, stream: RandomStream): Int32Array {
  const order = randomOrder(dataset, stream);
  const { labels } = dataset;
  const totals = new Float64Array(dataset.classes);
  for (const label of labels) totals[label]! += 1;
  const seen = new Float64Array(dataset.classes);
  // The k-th of n examples of a class stands at (k + 1/2) / n of the way; ties keep the random order.
  const position = new Float64Array(dataset.size);
  order.forEach((row) => {
    const label = labels[row]!;
    position[row] = (seen[label]! + 0.5) / totals[label]!;
    seen[label]! += 1;
  });
  return order.sort((a, b) => position[a]! - position[b]!);
}
