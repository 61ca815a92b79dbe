import type { RetrievalEntry } from '../../retrieval/index.ts';
import type { BranchStatistic, Projection, RetrievalPicture } from '../../retrieval/index.ts';
import type { CurvePoint } from '../../train/index.ts';
import { looksOf } from '../arms.ts';
import type { Timing } from '../types.ts';

/** What a report shows of an embedding besides its entry. */
export interface RetrievalArmDetails {
  readonly timing?: Timing;
  readonly curves?: readonly CurvePoint[];
  readonly pictures?: readonly RetrievalPicture[];
  readonly projection?: Projection;
  readonly statistics?: readonly BranchStatistic[];
  /** The epoch whose weights were kept, where validation chose it. */
  readonly chosenEpoch?: number;
  readonly classNames?: readonly string[] | undefined;
}

/** What {@link renderRetrievalReport} shows. Details are keyed by the id of the entry. */
export interface RetrievalReportInput {
  readonly entries: readonly RetrievalEntry[];
  readonly details?: Readonly<Record<string, RetrievalArmDetails>>;
}

/** An entry as the report shows it. */
export interface RetrievalArm {
  readonly entry: RetrievalEntry;
  readonly name: string;
  readonly anchor: string;
  readonly color: string;
  readonly dash: readonly number[];
  readonly details: RetrievalArmDetails;
}

/** The evaluation that ranks. */
export const rankingOf = ({ evaluations }: RetrievalEntry): RetrievalEntry['evaluations'][number] => evaluations.at(-1)!;

/** Sound entries first, then by attacked Recall@1, clean Recall@1 and id. */
export function byRetrieval(a: RetrievalEntry, b: RetrievalEntry): number {
  const robust = (entry: RetrievalEntry): number => share(rankingOf(entry).robust);
  return worthOf(a) - worthOf(b) || robust(b) - robust(a) || share(b.clean.recall1) - share(a.clean.recall1) || (a.id < b.id ? -1 : 1);
}

/** 0 for sound entries, 1 for unreliable ones, 2 for refused ones. */
export const worthOf = ({ refused, unreliable }: RetrievalEntry): 0 | 1 | 2 => (refused !== undefined ? 2 : unreliable ? 1 : 0);

/** The share that a tally is; 0 where nothing was looked at. */
export const share = ({ correct, n }: { readonly correct: number; readonly n: number }): number => (n === 0 ? 0 : correct / n);

/** The arms, best first. */
export function retrievalArms({ entries, details = {} }: RetrievalReportInput): RetrievalArm[] {
  const ranked = [...entries].sort(byRetrieval);
  const looks = looksOf(ranked.map(({ method }) => method.id === 'standard'));
  return ranked.map((entry, i) => ({ entry, name: entry.id, anchor: `arm-${i + 1}`, ...looks[i]!, details: Object.hasOwn(details, entry.id) ? details[entry.id]! : {} }));
}

/** Budgets that any of the entries was attacked with, smallest first. */
export const budgetsOf = (entries: readonly RetrievalEntry[]): number[] =>
  [...new Set(entries.flatMap(({ evaluations }) => evaluations.map(({ threat }) => threat.eps)))].sort((a, b) => a - b);

/** What an entry withstands at a budget. */
export const evaluationOf = ({ evaluations }: RetrievalEntry, eps: number): RetrievalEntry['evaluations'][number] | undefined => evaluations.find(({ threat }) => threat.eps === eps);
