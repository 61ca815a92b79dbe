import { randomStream, RobustError } from '@robustjs/core';
import { type BenchmarkParts, type Dataset, datasetOf, splitClasses, take } from '@robustjs/datasets';
import type { MetricDataRecipe } from '../metric-recipe.ts';

// One draw for everyone, so that runs with other seeds see the same classes and examples.
const SPLIT_SEED = 0;

/**
 * Parts with no class in common, cut to the counts that a recipe asks for. Which classes a part has depends on their number alone. In every part
 * labels count from 0, as losses with a vector a class need.
 *
 * @param pool all examples that there are.
 * @throws RobustError `RJS_DATA_CLASSES` when the parts want more classes than there are, `RJS_DATA_SPLIT` for counts that are not there.
 */
export function disjointParts(pool: Dataset, { classes, ...counts }: MetricDataRecipe): BenchmarkParts {
  const asked = classes.train + classes.validation + classes.test;
  if (asked > pool.classes) {
    throw new RobustError('RJS_DATA_CLASSES', { expected: `${pool.classes} classes of ${pool.id} at most, in all parts together`, got: String(asked), fix: 'lower data.classes in the recipe' });
  }
  const order = [...randomStream(SPLIT_SEED).split('classes').permutation(pool.classes)];
  const parts = splitClasses(pool, {
    test: order.slice(0, classes.test),
    validation: order.slice(classes.test, classes.test + classes.validation),
    train: order.slice(classes.test + classes.validation, asked),
  });
  const cut = (part: Dataset, count: number | undefined): Dataset => relabeled(count === undefined ? part : take(part, count, SPLIT_SEED));
  return { train: cut(parts.train, counts.train), validation: cut(parts.validation, counts.validation), test: cut(parts.test, counts.test) };
}

/** The same examples, with the classes that occur numbered from 0 in their order. */
export function relabeled(dataset: Dataset): Dataset {
  const old = [...new Set(dataset.labels)].sort((a, b) => a - b);
  const labels = new Map(old.map((label, i) => [label, i]));
  const { classNames, ...info } = dataset;
  return datasetOf({
    ...info,
    classes: Math.max(1, old.length),
    ...(classNames && old.length > 0 && { classNames: old.map((label) => classNames[label]!) }),
    labels: dataset.labels.map((label) => labels.get(label)!),
    rows: { read: (indices) => dataset.read(indices), raw: (index) => dataset.raw(index) },
  });
}
