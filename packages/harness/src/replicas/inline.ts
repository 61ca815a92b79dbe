import { throwIfAborted } from '@robustjs/core';
import { moduleOf } from './module.ts';
import type { ReplicaOptions, Replicas } from './types.ts';

/** One replica in the calling thread, with its runtime: jobs run one after another. */
export async function inlineReplica<Setup, Job, Result>({ module, setup, signal }: ReplicaOptions<Setup>): Promise<Replicas<Job, Result>> {
  const work = await (await moduleOf<Setup, Job, Result>(module)).open(setup);
  const closed = new AbortController();
  const stop = signal === undefined ? closed.signal : AbortSignal.any([signal, closed.signal]);
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = async (job: Job, onProgress: (progress: unknown) => void): Promise<Result> => {
    throwIfAborted(stop);
    const result = await work.run(job, onProgress, stop);
    throwIfAborted(stop);
    return result;
  };
  return {
    count: 1,
    run(job, onProgress = () => {}) {
      const done = last.then(() => inTurn(job, onProgress));
      last = done.catch(() => {});
      return done;
    },
    async close() {
      if (closed.signal.aborted) return void (await last);
      closed.abort(new Error('the replicas were closed'));
      await last;
      work.close();
    },
  };
}
