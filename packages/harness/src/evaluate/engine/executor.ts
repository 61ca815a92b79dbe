import { throwIfAborted } from '@robustjs/core';
import { readBatch } from '@robustjs/datasets';
import { startReplicas } from '../../replicas/index.ts';
import { builtFile } from '../../replicas/built.ts';
import type { ReplicaSetup } from './replica-setup.ts';
import type { Job, JobResult, Workbench } from './task.ts';
import { taskNamed } from './tasks.ts';

/** Whoever does jobs. */
export interface Executor {
  run(job: Job): Promise<JobResult>;
  /** Resolves when nothing runs any more. */
  close(): Promise<void>;
}

/** Does one job. */
export async function perform(bench: Workbench, { task, args, rows }: Job): Promise<JobResult> {
  const start = performance.now();
  const batch = await readBatch(bench.dataset, rows);
  try {
    const value = await taskNamed(task).run(bench, batch, args as never);
    return { value, seconds: (performance.now() - start) / 1000 };
  } finally {
    batch.inputs.dispose();
    batch.labels.dispose();
  }
}

/** Does jobs in this thread, one after another. In between the event loop runs, so that signals and timers are served. */
export function localExecutor(bench: Workbench): Executor {
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = async (job: Job): Promise<JobResult> => {
    await new Promise<void>((resolve) => setTimeout(resolve, 0));
    throwIfAborted(bench.signal);
    return perform(bench, job);
  };
  return {
    run(job) {
      const done = last.then(() => inTurn(job));
      last = done.catch(() => {});
      return done;
    },
    close: async () => void (await last),
  };
}

/** Does jobs in several threads, and in this one those that cannot leave it: with attacks given as objects, or other networks. */
export async function replicaExecutor(count: number, setup: ReplicaSetup, bench: Workbench, onLost?: (cause: Error) => void): Promise<Executor> {
  const local = localExecutor(bench);
  const replicas = await startReplicas<ReplicaSetup, Job, JobResult>({
    count,
    module: builtFile('evaluate/engine/replica.js'),
    setup,
    ...(bench.signal && { signal: bench.signal }),
    ...(onLost && { onLost }),
  });
  return {
    run: (job) => (staysHere(job) ? local.run(job) : replicas.run(job)),
    async close() {
      await Promise.all([replicas.close(), local.close()]);
    },
  };
}

function staysHere({ args }: Job): boolean {
  const { attack, other, instead } = args as { attack?: object; other?: string; instead?: string };
  return other !== undefined || instead !== undefined || (attack !== undefined && 'given' in attack);
}
