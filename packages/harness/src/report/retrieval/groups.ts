import { type Accuracy, wilson } from '../../evaluate/index.ts';
import { canonicalJson } from '../../recipe.ts';
import type { RetrievalEntry } from '../../retrieval/index.ts';
import { armName } from '../../run/arm-name.ts';
import { groupBy, type Mean } from '../groups.ts';
import { evaluationOf, share, worthOf } from './arms.ts';

/** Entries that differ in their seeds only; the first stands for what they have in common. */
export interface RetrievalGroup {
  readonly first: RetrievalEntry;
  readonly entries: readonly RetrievalEntry[];
  /** Name of the arm, without a seed. */
  readonly name: string;
}

/** What entries must have in common to stand in one table: data and the number of queries. */
export const retrievalBoardKey = ({ dataset: { id, n, sha256 }, queries }: RetrievalEntry): string => canonicalJson([id, n, sha256, queries.n]);

/** The seeds of each arm put together. Refused and unreliable entries stay apart from sound ones. */
export function retrievalGroups(entries: readonly RetrievalEntry[]): RetrievalGroup[] {
  const seed = ({ training }: RetrievalEntry): number => training?.seed ?? 0;
  const sorted = [...entries].sort((a, b) => seed(a) - seed(b) || (a.id < b.id ? -1 : 1));
  const key = (entry: RetrievalEntry): string => canonicalJson([entry.method, entry.loss, entry.model.architecture, withoutSeed(entry), entry.runtime, worthOf(entry), entry.refused]);
  return groupBy(sorted, key).map((group) => ({ first: group[0]!, entries: group, name: armName(group[0]!.id) }));
}

function withoutSeed({ training }: RetrievalEntry): unknown {
  return typeof training?.recipe === 'object' && training.recipe !== null ? { ...training.recipe, seed: null } : null;
}

/** The mean over seeds; they share their test examples, so the interval is that of one evaluation. */
export function meanTally({ entries }: RetrievalGroup, pick: (entry: RetrievalEntry) => Accuracy | undefined): Mean | undefined {
  const tallies = entries.flatMap((entry) => pick(entry) ?? []);
  if (tallies.length < entries.length) return undefined;
  const mean = tallies.reduce((sum, tally) => sum + share(tally), 0) / tallies.length;
  const n = Math.min(...tallies.map((tally) => tally.n));
  return { share: mean, n, interval: wilson(mean * n, n) };
}

/** Mean attacked Recall@1 at a budget. */
export const meanAttacked = (group: RetrievalGroup, eps: number): Mean | undefined => meanTally(group, (entry) => evaluationOf(entry, eps)?.robust);
