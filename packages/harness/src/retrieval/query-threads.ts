import type { Runtime } from '@robustjs/core';
import type { Dataset } from '@robustjs/datasets';
import { type SharedExamples, shareExamples, type SubjectSource } from '../evaluate/engine/replica-setup.ts';
import { wrong } from '../evaluate/errors.ts';
import { builtFile } from '../replicas/built.ts';
import { type Replicas, startReplicas } from '../replicas/index.ts';
import type { AttackedQueries, QueryJob } from './attack-queries.ts';

/** What a thread needs to attack queries. */
export interface QueryThreadSetup {
  readonly source: SubjectSource;
  readonly examples: SharedExamples;
  readonly runtime: Pick<Runtime, 'id' | 'variant'>;
  readonly seed: number;
}

/** How an evaluation is shared among threads. */
export interface QueryThreadOptions {
  /** Threads that attack queries; no number depends on it. More than one needs `source`. Default 1: this thread. */
  readonly workers?: number;
  /** How other threads load the model. */
  readonly source?: SubjectSource;
  /** Told of each thread that died. */
  readonly onNote?: (note: string) => void;
  readonly signal?: AbortSignal;
}

/** Threads that attack queries of a data set; undefined where this one does. */
export async function queryThreads(test: Dataset, { runtime, seed }: Pick<QueryThreadSetup, 'runtime' | 'seed'>, options: QueryThreadOptions): Promise<Replicas<QueryJob, AttackedQueries> | undefined> {
  const { workers = 1, source, onNote, signal } = options;
  if (workers <= 1) return undefined;
  if (source === undefined) throw wrong('OPTION', 'source beside workers', 'none', 'say how other threads load the model, or use one worker');
  const setup: QueryThreadSetup = { source, examples: await shareExamples(test), runtime: { id: runtime.id, variant: runtime.variant }, seed };
  return startReplicas({
    count: workers, module: builtFile('retrieval/query-replica.js'), setup, onLost: ({ message }) => onNote?.(message), ...(signal && { signal }),
  });
}
