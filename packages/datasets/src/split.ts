import { randomStream, RobustError } from '@robustjs/core';
import type { Dataset } from './dataset.ts';
import { randomOrder, stratifiedOrder } from './order.ts';
import { subset } from './rows.ts';

/** How {@link split} divides. */
export interface SplitOptions<Name extends string> {
  /** Sizes of the parts, by name: all whole numbers (counts), or all in (0, 1) (shares of the set). They need not use it up. */
  readonly parts: Readonly<Record<Name, number>>;
  /** Seed of the draw. */
  readonly seed: number;
  /** Default true: every part has the class proportions of the whole, but for rounding. */
  readonly stratified?: boolean;
}

/**
 * Disjoint random parts. Which part an example falls into depends on the seed and the ids, not on the order of the set;
 * rows of a part come in the order of the draw, so a prefix of a part is a random sample too.
 *
 * @throws RobustError `RJS_DATA_SPLIT` for sizes that are not counts or shares, or exceed the set.
 */
export function split<Name extends string>(dataset: Dataset, { parts, seed, stratified = true }: SplitOptions<Name>): Record<Name, Dataset> {
  const entries = Object.entries(parts) as [Name, number][];
  const ends = partEnds(entries.map(([, part]) => part), dataset.size);
  const order = orderOf(dataset, seed, stratified);
  return Object.fromEntries(
    entries.map(([name], part) => [name, subset(dataset, order.subarray(ends[part - 1] ?? 0, ends[part]), name)]),
  ) as Record<Name, Dataset>;
}

/**
 * Parts with no class in common, as metric learning and zero-shot recognition need them. Labels and `classes` stay as
 * they are; rows keep their order.
 *
 * @param parts class indices, by name of the part; classes that no part names are left out.
 * @throws RobustError `RJS_DATA_SPLIT` for a class that does not exist or is named twice.
 */
export function splitClasses<Name extends string>(dataset: Dataset, parts: Readonly<Record<Name, readonly number[]>>): Record<Name, Dataset> {
  const entries = Object.entries(parts) as [Name, readonly number[]][];
  const named = entries.flatMap(([, classes]) => classes);
  const wrong = named.find((label, i) => !Number.isInteger(label) || label < 0 || label >= dataset.classes || named.indexOf(label) !== i);
  if (wrong !== undefined) throw badSplit(`different classes in 0 … ${dataset.classes - 1}`, String(wrong), 'name every class once');
  const rows = dataset.ids.map((_, row) => row);
  return Object.fromEntries(
    entries.map(([name, classes]) => [name, subset(dataset, rows.filter((row) => classes.includes(dataset.labels[row]!)), name)]),
  ) as Record<Name, Dataset>;
}

/**
 * A random sample, stratified by class unless told otherwise. A smaller sample with the same seed is a prefix of a larger.
 *
 * @param count how many examples, up to the size of the set.
 * @throws RobustError `RJS_DATA_SPLIT` when there are fewer.
 */
export function take(dataset: Dataset, count: number, seed: number, { stratified = true }: { readonly stratified?: boolean } = {}): Dataset {
  const [end] = partEnds([checkCount(count)], dataset.size);
  return subset(dataset, orderOf(dataset, seed, stratified).subarray(0, end));
}

function orderOf(dataset: Dataset, seed: number, stratified: boolean): Int32Array {
  return (stratified ? stratifiedOrder : randomOrder)(dataset, randomStream(seed).split('split'));
}

function checkCount(count: number): number {
  if (!Number.isInteger(count) || count < 0) throw badSplit('a whole number of examples', String(count), 'pass a count');
  return count;
}

function partEnds(parts: readonly number[], size: number): number[] {
  const counts = parts.every((part) => Number.isInteger(part) && part >= 0);
  const shares = parts.every((part) => part > 0 && part < 1);
  if (!counts && !shares) {
    throw badSplit('parts that are all counts or all shares between 0 and 1', parts.join(', '), 'do not mix counts and shares');
  }
  let sum = 0;
  const ends = parts.map((part) => (sum += counts ? part : part * size));
  // Shares such as 0.7 + 0.2 + 0.1 miss 1 by a rounding error.
  if (sum > size + 1e-6) throw badSplit(`parts of ${size} examples at most`, `${parts.join(' + ')}`, 'ask for less');
  return ends.map(Math.round);
}

function badSplit(expected: string, got: string, fix: string): RobustError {
  return new RobustError('RJS_DATA_SPLIT', { expected, got, fix });
}
