import { type ChildProcess, fork } from 'node:child_process';
import { builtFile } from '../replicas/built.ts';
import type { RunEvent, ToWorker } from './events.ts';
import type { Arm } from './tracks.ts';

/** How {@link runPool} runs arms. */
export interface PoolOptions {
  /** Folder of the run. */
  readonly outDir: string;
  /** Threads to work with, all arms together: as many arms run at a time, and where there are fewer, each has several. */
  readonly workers: number;
  /** Folder that plugins are looked for in first. Default: the working directory. */
  readonly from?: string;
  /** Training steps between checkpoints. */
  readonly checkpointEverySteps?: number;
  /** Aborted: every worker writes a checkpoint and ends. */
  readonly signal?: AbortSignal;
  readonly onEvent: (event: RunEvent) => void;
}

const STDERR_CHARACTERS = 2000;

/** Runs every arm in a process of its own, in their order as workers get free. An arm that fails is reported; the others go on. */
export async function runPool(arms: readonly Arm[], options: PoolOptions): Promise<void> {
  const queue = [...arms];
  let free = Math.max(1, options.workers);
  const begin = async (arm: Arm, workers: number): Promise<void> => {
    free -= workers;
    options.onEvent(options.signal?.aborted ? { kind: 'stopped', id: arm.id } : await runInProcess(arm, workers, options));
    free += workers;
    await beginAll();
  };
  const beginAll = async (): Promise<void> => {
    const begun: Promise<void>[] = [];
    for (const workers of shareOut(free, queue.length)) begun.push(begin(queue.shift()!, workers));
    await Promise.all(begun);
  };
  await beginAll();
}

/** Workers of each arm that can begin: all that are free, as even as can be, the first ones the most. */
export function shareOut(free: number, arms: number): number[] {
  const count = Math.min(free, arms);
  return Array.from({ length: count }, (_, i) => Math.ceil((free - i) / count));
}

/** Runs one arm to its last event, which it returns: done, failed or stopped. */
function runInProcess(arm: Arm, workers: number, options: PoolOptions): Promise<RunEvent> {
  const { outDir, from, checkpointEverySteps, signal, onEvent } = options;
  // Flags of the parent, such as a debugger's port or a test runner's loader, are not for its workers; NODE_OPTIONS is.
  const child = fork(builtFile('run/worker.js'), { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], execArgv: [] });
  const stderr = lastOf(child);
  const stop = (): void => tell(child, { kind: 'stop' });
  signal?.addEventListener('abort', stop);
  tell(child, { kind: 'run', arm, outDir, workers, ...(from !== undefined && { from }), ...(checkpointEverySteps !== undefined && { checkpointEverySteps }) });
  return new Promise((resolve) => {
    let last: RunEvent | undefined;
    child.on('message', (event: RunEvent) => {
      if (isLast(event)) last = event;
      else onEvent(event);
    });
    child.on('error', (error) => (last ??= died(arm.id, error.message)));
    child.on('close', (code, killedBy) => {
      signal?.removeEventListener('abort', stop);
      resolve(last ?? died(arm.id, causeOf(code, killedBy, stderr())));
    });
  });
}

const isLast = ({ kind }: RunEvent): boolean => kind === 'done' || kind === 'failed' || kind === 'stopped';

function tell(child: ChildProcess, message: ToWorker): void {
  // A child that is gone is reported by its close event.
  if (child.connected) child.send(message, () => {});
}

function lastOf(child: ChildProcess): () => string {
  let text = '';
  child.stderr?.on('data', (chunk: Buffer) => (text = (text + chunk.toString()).slice(-STDERR_CHARACTERS)));
  return () => text.trim();
}

function causeOf(code: number | null, killedBy: NodeJS.Signals | null, stderr: string): string {
  const how = killedBy === null ? `it ended with status ${code ?? 'unknown'}` : `it was killed by ${killedBy}${killedBy === 'SIGKILL' ? ', perhaps for want of memory' : ''}`;
  return stderr === '' ? how : `${how}: ${telling(stderr)}`;
}

/** The line that says what went wrong: the error's own, where there is one. */
function telling(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('Node.js v'));
  return lines.find((line) => /^(\w+ )?\[?\w*Error\b/.test(line)) ?? lines.at(-1) ?? stderr;
}

const died = (id: string, cause: string): RunEvent => ({
  kind: 'failed',
  id,
  code: 'RJS_WORKER',
  message: `Expected the process of ${id} to finish, got that ${cause} (run the same command again: it goes on from the last checkpoint)`,
});
