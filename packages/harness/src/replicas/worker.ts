// The thread of one replica: opens the module's work, then does the jobs that it is sent, one at a time.
import { parentPort, workerData } from 'node:worker_threads';
import { moduleOf } from './module.ts';
import type { FromThread, ThreadData, ToThread } from './messages.ts';
import { plainError } from './plain-error.ts';
import type { ReplicaWork } from './types.ts';

const tell = (message: FromThread): void => parentPort!.postMessage(message);
const never = new AbortController().signal;

async function perform(work: ReplicaWork<unknown, unknown>, job: unknown): Promise<void> {
  try {
    const value = await work.run(job, (progress) => tell({ kind: 'progress', value: progress }), never);
    tell({ kind: 'result', value });
  } catch (error) {
    tell({ kind: 'failed', error: plainError(error) });
  }
}

async function open({ module, setup }: ThreadData): Promise<void> {
  const work = await (await moduleOf(new URL(module))).open(setup);
  parentPort!.on('message', (message: ToThread) => {
    if (message.kind === 'job') return void perform(work, message.job);
    work.close();
    // Whatever timers the work left must not keep the thread.
    process.exit();
  });
  tell({ kind: 'open' });
}

open(workerData as ThreadData).catch((error: unknown) => tell({ kind: 'failed', error: plainError(error) }));
