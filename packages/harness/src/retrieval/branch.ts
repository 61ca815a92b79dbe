import { threatModel, type ThreatModel } from '@robustjs/core';
import { retrievalMetrics } from '@robustjs/metric-learning';
import { jsonHash } from '../evaluate/hashes.ts';
import { type AttackedQueries, attackQueries, type Ground, queryWork } from './attack-queries.ts';
import type { QueryAttack } from './attacks.ts';

/** Ranks at which recall is given. */
const KS = [1, 2, 4, 8];

/** What retrieval by clean embeddings comes to. */
export type CleanRetrieval = Awaited<ReturnType<typeof retrievalMetrics>>;

/** Retrieval among a branch's clean embeddings. */
export const cleanRetrieval = ({ gallery }: Ground): Promise<CleanRetrieval> =>
  retrievalMetrics({ queries: gallery.embeddings, queryLabels: gallery.labels }, KS);

/** One attack of a suite. */
export interface SuitePart {
  readonly attack: QueryAttack;
  readonly configHash: string;
  readonly attacked: AttackedQueries;
}

/** What a suite left of some queries at one budget. */
export interface SuiteAt {
  readonly threat: ThreatModel;
  /** Gallery rows of the queries attacked: those that retrieve their class without an attack. */
  readonly rows: Int32Array;
  readonly parts: readonly SuitePart[];
  /** Of each row, the first part that broke it; -1: none did. */
  readonly breaker: readonly number[];
}

/** How a suite is run. */
export interface SuiteOptions {
  readonly attacks: readonly QueryAttack[];
  readonly norm: string;
  readonly budgets: readonly number[];
  /** Gallery rows to attack. */
  readonly rows: Int32Array;
  readonly onProgress: (name: string, eps: number, done: number, total: number) => void;
}

/** Every attack on every query at every budget. */
export async function runSuite(ground: Ground, { attacks, norm, budgets, rows, onProgress }: SuiteOptions): Promise<SuiteAt[]> {
  const parts: SuitePart[][] = budgets.map(() => []);
  for (const attack of attacks) {
    const configHash = await jsonHash({ id: attack.id, config: attack.config });
    const work = queryWork(ground, rows, attack);
    try {
      for (const [i, eps] of budgets.entries()) {
        const attacked = await attackQueries(ground, rows, work, threatModel(norm, eps), (done) => onProgress(attack.id, eps, done, rows.length));
        parts[i]!.push({ attack, configHash, attacked });
      }
    } finally {
      work.dispose();
    }
  }
  return budgets.map((eps, i) => ({
    threat: threatModel(norm, eps),
    rows,
    parts: parts[i]!,
    breaker: Array.from(rows, (_, row) => parts[i]!.findIndex(({ attacked }) => attacked.broken[row])),
  }));
}
