import { type RandomStream, RobustError } from '@robustjs/core';

/** Options of {@link perClassBatch}. */
export interface PerClassOptions {
  /** Examples in a batch. */
  readonly batchSize: number;
  /** Examples of each class drawn; divides the batch. Default 2. */
  readonly perClass?: number;
}

/**
 * A batch of random classes with some random examples of each, both drawn with replacement (Roth et al.'s sampler): positions in `labels`.
 * Only classes with two examples or more are drawn.
 *
 * @throws RobustError `RJS_METRIC_OPTION` for a batch that `perClass` does not divide, `RJS_METRIC_CLASSES` where no class has two examples.
 */
export function perClassBatch(labels: Int32Array, { batchSize, perClass = 2 }: PerClassOptions, random: RandomStream): Int32Array {
  if (!Number.isInteger(perClass) || perClass < 2 || !Number.isInteger(batchSize) || batchSize < perClass || batchSize % perClass !== 0) {
    throw new RobustError('RJS_METRIC_OPTION', { expected: 'a batch that holds whole groups of 2 or more examples of a class', got: `${batchSize} by ${perClass}`, fix: 'for example batchSize 64 and perClass 2' });
  }
  const members = new Map<number, number[]>();
  labels.forEach((label, i) => void (members.get(label)?.push(i) ?? members.set(label, [i])));
  const classes = [...members.entries()].filter(([, rows]) => rows.length >= 2).sort(([a], [b]) => a - b);
  if (classes.length === 0) {
    throw new RobustError('RJS_METRIC_CLASSES', { expected: 'a class of two examples or more', got: `${labels.length} examples of ${members.size} classes`, fix: 'pairs of one class are what the loss learns from: use data with more examples a class' });
  }
  const draws = random.split('per-class').uniform(batchSize / perClass + batchSize);
  const choose = <T>(list: readonly T[], draw: number): T => list[Math.floor(draw * list.length)]!;
  return Int32Array.from({ length: batchSize }, (_, i) => {
    const [, rows] = choose(classes, draws[Math.floor(i / perClass)]!);
    return choose(rows, draws[batchSize / perClass + i]!);
  });
}
