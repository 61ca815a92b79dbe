import type { ExampleRecord } from '../../evaluate/index.ts';
import type { RetrievalEntry } from '../../retrieval/index.ts';
import { budgetsOf } from './arms.ts';
import { retrievalGroups } from './groups.ts';

/** An entry of the track `metric-learning` with what became of each test image. */
export interface RetrievalEntryWithExamples {
  readonly entry: RetrievalEntry;
  readonly examples: readonly ExampleRecord[];
}

/** One arm, all its seeds. */
export interface MeasuredArm {
  readonly name: string;
  readonly entries: readonly RetrievalEntry[];
  readonly seeds: readonly number[];
  /** Budgets that every seed was attacked with. */
  readonly budgets: readonly number[];
  /** Whether each query of a seed is retrieved, in the order of the data set: without an attack (`null`), all images; with one, those attacked. */
  hits(seed: number, eps: number | null): boolean[];
}

/** The arms of some entries by name. Refused and unreliable entries are none. */
export function measuredArms(stored: readonly RetrievalEntryWithExamples[]): Map<string, MeasuredArm> {
  const examples = new Map(stored.map((each) => [each.entry, each.examples]));
  const sound = stored.map(({ entry }) => entry).filter(({ refused, unreliable }) => refused === undefined && !unreliable);
  return new Map(retrievalGroups(sound).map(({ name, entries }) => {
    const bySeed = new Map(entries.map((entry) => [entry.training?.seed ?? 0, examples.get(entry)!]));
    const arm: MeasuredArm = {
      name,
      entries,
      seeds: [...bySeed.keys()],
      budgets: budgetsOf(entries),
      hits: (seed, eps) => bySeed.get(seed)!.flatMap(({ clean, outcomes }) => (eps === null ? [clean] : outcomes.filter((outcome) => outcome.eps === eps).map(({ robust }) => robust))),
    };
    return [name, arm] as const;
  }));
}
