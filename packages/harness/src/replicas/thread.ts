import { Worker } from 'node:worker_threads';
import { builtFile } from './built.ts';
import type { FromThread, ThreadData, ToThread } from './messages.ts';
import { errorFrom } from './plain-error.ts';

/** A thread that ended although nobody asked it to; the message says how. */
export class ThreadLost extends Error {}

/** One worker thread that does one job at a time. */
export interface Thread<Job, Result> {
  /** Resolves when jobs can be sent; rejects with what opening threw, or {@link ThreadLost}. */
  readonly opened: Promise<void>;
  /** Resolves when the thread has ended, with the cause. */
  readonly ended: Promise<ThreadLost>;
  /** Does a job. Rejects with its error, or with {@link ThreadLost}. */
  run(job: Job, onProgress: (progress: unknown) => void): Promise<Result>;
  /** Ends the thread; an idle one releases first what it holds. */
  close(): Promise<void>;
}

/** Who waits for the thread's next answer. */
interface Waiting {
  resolve(value: unknown): void;
  reject(error: unknown): void;
  onProgress(progress: unknown): void;
}

// An idle thread has only to release memory.
const CLOSE_MILLISECONDS = 1000;

/** Starts a thread. */
export function startThread<Job, Result>(data: ThreadData): Thread<Job, Result> {
  // What a job prints would mix with the program's own output. Flags of the parent, such as a test runner's loader, are not for it.
  const worker = new Worker(builtFile('replicas/worker.js'), { workerData: data, stdout: true, stderr: true, execArgv: [] });
  worker.stdout.resume();
  worker.stderr.resume();
  const ended = endOf(worker);
  let lost: ThreadLost | undefined;
  let waiting: Waiting | undefined;
  const settled = (): Waiting | undefined => {
    const last = waiting;
    waiting = undefined;
    return last;
  };
  worker.on('message', (told: FromThread) => {
    if (told.kind === 'progress') waiting?.onProgress(told.value);
    else if (told.kind === 'failed') settled()?.reject(errorFrom(told.error));
    else settled()?.resolve(told.kind === 'result' ? told.value : undefined);
  });
  worker.on('messageerror', (error) => settled()?.reject(error));
  void ended.then((end) => {
    lost = end;
    settled()?.reject(end);
  });
  const answer = (onProgress: Waiting['onProgress']): Promise<unknown> => new Promise((resolve, reject) => (waiting = { resolve, reject, onProgress }));
  const send = (message: ToThread): void => worker.postMessage(message);
  return {
    opened: answer(() => {}) as Promise<void>,
    ended,
    async run(job, onProgress) {
      if (lost !== undefined) throw lost;
      // Throws for what cannot be cloned; then the thread knows nothing of the job.
      send({ kind: 'job', job });
      return (await answer(onProgress)) as Result;
    },
    async close() {
      const idle = waiting === undefined;
      if (idle) send({ kind: 'close' });
      const timer = setTimeout(() => void worker.terminate(), idle ? CLOSE_MILLISECONDS : 0);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** Resolves with why the thread is no more. */
function endOf(worker: Worker): Promise<ThreadLost> {
  return new Promise((resolve) => {
    let cause: Error | undefined;
    worker.on('error', (error: unknown) => (cause = error instanceof Error ? error : new Error(String(error))));
    worker.on('exit', (status) => resolve(new ThreadLost(cause === undefined ? `it ended with status ${status}` : `${cause.name}: ${cause.message}`, { cause })));
  });
}
