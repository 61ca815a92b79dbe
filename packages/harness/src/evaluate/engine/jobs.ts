import { throwIfAborted } from '@robustjs/core';
import { jsonHash } from '../hashes.ts';
import type { EvaluationProgress } from '../progress.ts';
import { cutRows } from './cut.ts';
import type { Executor } from './executor.ts';
import type { Journal } from './journal.ts';
import type { JobResult, Task } from './task.ts';

/** Which step to report progress and count time as. */
export type Step = Pick<EvaluationProgress, 'part' | 'name' | 'eps'>;

/** Does tasks on rows. Independent calls may run at the same time. */
export interface Jobs {
  /**
   * Cuts rows into jobs and does those that were not done before.
   *
   * @returns one result a job, in the order of the rows.
   */
  run<Args extends object, Result>(task: Task<Args, Result>, args: Args, rows: Int32Array, step: Step): Promise<Result[]>;
}

/** What jobs are done with. */
export interface JobsOptions {
  readonly executor: Executor;
  /** Where results are kept; absent: in memory only. */
  readonly journal: Journal | undefined;
  /** Ids by row; with task and arguments they are what a result is known by. */
  readonly ids: Int32Array;
  readonly batchSize: number;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((progress: EvaluationProgress) => void) | undefined;
  /** Told how long each job took, also one that was done before. */
  readonly onSeconds: (step: Step, seconds: number) => void;
}

/** Jobs over an executor and a journal. */
export function jobsOf(options: JobsOptions): Jobs {
  const { executor, journal, ids, signal, onProgress, onSeconds } = options;
  const resultOf = async (task: string, args: object, rows: Int32Array): Promise<JobResult> => {
    throwIfAborted(signal);
    if (journal === undefined) return executor.run({ task, args, rows });
    const key = await jsonHash({ task, args, ids: Array.from(rows, (row) => ids[row]) });
    const before = (await journal.get(key)) as JobResult | undefined;
    if (before !== undefined) return before;
    const result = await executor.run({ task, args, rows });
    await journal.add(key, result);
    return result;
  };
  return {
    async run<Args extends object, Result>(task: Task<Args, Result>, args: Args, rows: Int32Array, step: Step) {
      let done = 0;
      const parts = cutRows(rows, options.batchSize).map(async (part) => {
        const { value, seconds } = await resultOf(task.name, args, part);
        done += part.length;
        onSeconds(step, seconds);
        onProgress?.({ kind: 'evaluate', ...step, done, total: rows.length });
        return value as Result;
      });
      return Promise.all(parts);
    },
  };
}
