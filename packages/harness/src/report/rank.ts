import type { Accuracy, Entry, EntryAttack, EntryEvaluation } from '../evaluate/index.ts';

/** The evaluation that ranks: the last one. */
export function ranking(entry: Entry): EntryEvaluation | undefined {
  return entry.evaluations.at(-1);
}

/** What ranks of an evaluation: what the suite left standing, or what its checks left of that. */
export function bestKnown({ robust, bestKnown: lower }: EntryEvaluation): Accuracy {
  return lower ?? robust;
}

/** The share that a tally is; 0 where nothing was looked at. */
export function shareOf({ correct, n }: { readonly correct: number; readonly n: number }): number {
  return n === 0 ? 0 : correct / n;
}

/** What says whether an entry of any track counts. */
export interface Worthy {
  readonly refused?: string | undefined;
  readonly unreliable: boolean;
  readonly evaluations: readonly unknown[];
}

/** 0 for sound entries, 1 for unreliable ones, 2 for refused ones or those without an attack. */
export function worth(entry: Worthy): 0 | 1 | 2 {
  if (entry.refused || entry.evaluations.length === 0) return 2;
  return entry.unreliable ? 1 : 0;
}

/** Sound entries first, then by the best known robust accuracy, clean accuracy and id. */
export function byRank(a: Entry, b: Entry): number {
  const robust = (entry: Entry): number => shareOf(entry.evaluations.length === 0 ? { correct: 0, n: 0 } : bestKnown(ranking(entry)!));
  return worth(a) - worth(b) || robust(b) - robust(a) || shareOf(b.clean) - shareOf(a.clean) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

/** The attack that breaks most on its own; of equals, the first; none where nothing was broken. */
export function worstAttack(evaluation: EntryEvaluation | undefined): EntryAttack | undefined {
  return evaluation?.attacks.reduce<EntryAttack | undefined>((worst, attack) => (attack.brokenAlone > (worst?.brokenAlone ?? 0) ? attack : worst), undefined);
}

/** True where two 95 % intervals have a value in common. */
export function overlap([lowA = 0, highA = 1]: readonly number[], [lowB = 0, highB = 1]: readonly number[]): boolean {
  return lowA <= highB && lowB <= highA;
}

/** Ranks of rows that come best first: a row whose interval meets that of the first of its rank shares the rank. */
export function sharedRanks(intervals: readonly (readonly number[])[]): number[] {
  let leader = 0;
  return intervals.map((interval, i) => {
    if (!overlap(intervals[leader]!, interval)) leader = i;
    return leader + 1;
  });
}

/** Gradient calls and queries of a whole evaluation, over all its budgets and attacks. */
export function attackCost(entry: Entry): { gradientCalls: number; queries: number } {
  const attacks = entry.evaluations.flatMap((evaluation) => evaluation.attacks);
  const total = (key: 'gradientCalls' | 'queries'): number => attacks.reduce((sum, attack) => sum + attack[key], 0);
  return { gradientCalls: total('gradientCalls'), queries: total('queries') };
}

/** Budgets that any of the entries was attacked with, by norm and size. */
export function threatsOf(entries: readonly Entry[]): { readonly type: string; readonly eps: number }[] {
  const all = entries.flatMap((entry) => entry.evaluations.map(({ threat }) => ({ type: threat.type, eps: threat.eps })));
  const unique = all.filter((threat, i) => all.findIndex((other) => sameThreat(threat, other)) === i);
  return unique.sort((a, b) => (a.type < b.type ? -1 : a.type > b.type ? 1 : a.eps - b.eps));
}

/** What an entry was found to withstand under a threat. */
export function evaluationAt(entry: Entry, threat: { readonly type: string; readonly eps: number }): EntryEvaluation | undefined {
  return entry.evaluations.find((evaluation) => sameThreat(evaluation.threat, threat));
}

function sameThreat(a: { type: string; eps: number }, b: { type: string; eps: number }): boolean {
  return a.type === b.type && Math.abs(a.eps - b.eps) < 1e-9;
}

/** How many sanity tests ended how. */
export function sanityCounts(entry: Pick<Entry, 'sanity'>): Readonly<Record<Entry['sanity'][number]['status'], number>> {
  const counts = { pass: 0, warn: 0, fail: 0, info: 0, skipped: 0 };
  for (const { status } of entry.sanity) counts[status]++;
  return counts;
}
