import { RobustError } from '@robustjs/core';
import type { Entry } from './entry.ts';
import type { ExampleRecord } from './examples.ts';
import { mcnemarExact, pairedInterval } from './mcnemar.ts';

/** An entry with what became of each example. */
export interface EntryWithExamples {
  readonly entry: Entry;
  readonly examples: readonly ExampleRecord[];
}

/** Two accuracies on the same examples. */
export interface PairedDifference {
  /** Budget; null: without an attack. */
  readonly eps: number | null;
  /** Examples that both were evaluated on. */
  readonly n: number;
  /** Examples that only the first gets right. */
  readonly onlyFirst: number;
  /** Examples that only the second gets right. */
  readonly onlySecond: number;
  /** Accuracy of the first minus accuracy of the second. */
  readonly difference: number;
  /** 95 % interval of the difference. */
  readonly ci95: readonly [low: number, high: number];
  /** Exact two-sided p-value of McNemar's test. */
  readonly pValue: number;
}

/**
 * Compares two entries on the examples that they share: without an attack, and at each budget that both have.
 *
 * @throws RobustError `RJS_COMPARE` when they are about other data, norms or bounds, or share no example.
 */
export function compareEntries(a: EntryWithExamples, b: EntryWithExamples): PairedDifference[] {
  checkComparable(a.entry, b.entry);
  const others = new Map(b.examples.map((example) => [example.id, example]));
  const pairs = a.examples.flatMap((first) => {
    const second = others.get(first.id);
    return second === undefined ? [] : [[first, second] as const];
  });
  if (pairs.length === 0 || pairs.some(([first, second]) => first.label !== second.label)) {
    throw notComparable('examples of the same data', pairs.length === 0 ? 'none in common' : 'the same ids with other labels');
  }
  const budgets = [...new Set(a.entry.evaluations.map(({ threat }) => threat.eps))];
  const robustAt = (eps: number) => pairs.flatMap(([first, second]) => {
    const [one, two] = [outcomeAt(first, eps), outcomeAt(second, eps)];
    return one === undefined || two === undefined ? [] : [[one, two] as const];
  });
  const clean = difference(null, pairs.map(([first, second]) => [first.clean, second.clean]));
  return [clean, ...budgets.map((eps) => difference(eps, robustAt(eps))).filter(({ n }) => n > 0)];
}

const outcomeAt = (example: ExampleRecord, eps: number): boolean | undefined => example.outcomes.find((outcome) => outcome.eps === eps)?.robust;

function difference(eps: number | null, pairs: readonly (readonly [boolean, boolean])[]): PairedDifference {
  const n = pairs.length;
  const onlyFirst = pairs.filter(([first, second]) => first && !second).length;
  const onlySecond = pairs.filter(([first, second]) => second && !first).length;
  return {
    eps,
    n,
    onlyFirst,
    onlySecond,
    difference: n === 0 ? 0 : (onlyFirst - onlySecond) / n,
    ci95: pairedInterval(onlyFirst, onlySecond, n),
    pValue: mcnemarExact(onlyFirst, onlySecond),
  };
}

function checkComparable(a: Entry, b: Entry): void {
  const setting = ({ dataset, model, evaluations }: Entry): string =>
    `${dataset.id} ${dataset.split}, ${[...new Set(evaluations.map(({ threat }) => threat.type))].join(' ')} in [${model.bounds.join(', ')}]`;
  if (setting(a) !== setting(b)) throw notComparable(setting(a), setting(b));
}

const notComparable = (expected: string, got: string): RobustError =>
  new RobustError('RJS_COMPARE', { expected, got, fix: 'evaluate both on the same examples under the same threat model' });
