import { canonicalJson } from '../recipe.ts';
import { type Accuracy, type Entry, type EntryEvaluation, wilson } from '../evaluate/index.ts';
import { bestKnown, evaluationAt, ranking, shareOf, worth } from './rank.ts';

/** Entries of one method that differ in their seeds only; the first stands for what they have in common. */
export interface SeedGroup {
  readonly first: Entry;
  readonly entries: readonly Entry[];
}

/** A mean over seeds with an interval, and how many examples it is over. */
export interface Mean {
  readonly share: number;
  readonly interval: readonly [number, number];
  readonly n: number;
}

/** What entries must have in common to stand in one table: data, number of examples, norm and the budget that ranks. */
export function boardKey(entry: Entry): string {
  const evaluation = ranking(entry);
  return canonicalJson([entry.dataset, evaluation?.threat.type, evaluation?.threat.eps, evaluation?.robust.n]);
}

/** Entries put together by a key, in the order in which the keys first come. */
export function groupBy<E>(entries: readonly E[], key: (entry: E) => string): E[][] {
  const groups = new Map<string, E[]>();
  for (const entry of entries) {
    const group = groups.get(key(entry));
    if (group) group.push(entry);
    else groups.set(key(entry), [entry]);
  }
  return [...groups.values()];
}

/** The seeds of each method put together. Refused and unreliable entries stay apart from sound ones. */
export function seedGroups(entries: readonly Entry[]): SeedGroup[] {
  const key = (entry: Entry): string => {
    const { method, model, additionalData, runtime, refused } = entry;
    return canonicalJson([method, model.architecture, additionalData, withoutSeed(entry), runtime, worth(entry), refused]);
  };
  return groupBy([...entries].sort(bySeed), key).map((group) => ({ first: group[0]!, entries: group }));
}

/** Mean clean accuracy over the seeds. */
export function meanClean({ entries }: SeedGroup): Mean {
  return meanOf(entries.map(({ clean }) => clean));
}

/** Mean robust accuracy over the seeds, the best known unless it is asked what the suite left; nothing where an entry lacks this budget. */
export function meanRobust({ entries }: SeedGroup, threat: { readonly type: string; readonly eps: number }, of: (evaluation: EntryEvaluation) => Accuracy = bestKnown): Mean | undefined {
  const found = entries.flatMap((entry) => evaluationAt(entry, threat) ?? []);
  return found.length === entries.length && found.length > 0 ? meanOf(found.map(of)) : undefined;
}

// Seeds share their test examples, so more of them do not narrow the interval: it is that of one evaluation.
function meanOf(tallies: readonly { readonly correct: number; readonly n: number }[]): Mean {
  const share = tallies.reduce((sum, tally) => sum + shareOf(tally), 0) / tallies.length;
  const n = Math.min(...tallies.map((tally) => tally.n));
  return { share, n, interval: wilson(share * n, n) };
}

function bySeed(a: Entry, b: Entry): number {
  return (a.training?.seed ?? 0) - (b.training?.seed ?? 0) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

function withoutSeed({ training }: Entry): unknown {
  if (typeof training?.recipe !== 'object' || training.recipe === null) return null;
  return { ...training.recipe, seed: null };
}
