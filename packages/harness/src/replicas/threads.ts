import { throwIfAborted } from '@robustjs/core';
import { startThread, type Thread, ThreadLost } from './thread.ts';
import { afterLoss, lostError, type Ticket } from './ticket.ts';
import type { ReplicaOptions, Replicas } from './types.ts';

/** A thread and what it is at. */
interface Slot<Job, Result> {
  readonly thread: Thread<Job, Result>;
  state: 'opening' | 'idle' | 'busy';
  /** It has done a job, so one like it will do others. */
  proven: boolean;
}

/** Replicas in threads of their own that take jobs from one queue. */
export async function threadReplicas<Setup, Job, Result>(options: ReplicaOptions<Setup>): Promise<Replicas<Job, Result>> {
  const pool = new ThreadPool<Setup, Job, Result>(options);
  await pool.open();
  return pool;
}

class ThreadPool<Setup, Job, Result> implements Replicas<Job, Result> {
  readonly count: number;
  readonly #options: ReplicaOptions<Setup>;
  readonly #slots: Set<Slot<Job, Result>> = new Set();
  readonly #queue: Ticket<Job, Result>[] = [];
  readonly #closed: AbortController = new AbortController();
  readonly #stop: AbortSignal;
  /** Why the last replica was lost. */
  #cause: unknown;

  constructor(options: ReplicaOptions<Setup>) {
    const closed = this.#closed.signal;
    this.count = options.count;
    this.#options = options;
    this.#stop = options.signal === undefined ? closed : AbortSignal.any([options.signal, closed]);
    this.#stop.addEventListener('abort', () => this.#end());
  }

  async open(): Promise<void> {
    try {
      await Promise.all(Array.from({ length: this.count }, () => this.#add()));
    } catch (error) {
      await this.close();
      throwIfAborted(this.#options.signal);
      throw error instanceof ThreadLost ? lostError(`one that did not start: ${error.message}`, error) : error;
    }
  }

  run(job: Job, onProgress: (progress: unknown) => void = () => {}): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ job, onProgress, resolve, reject, losses: [] });
      this.#assign();
    });
  }

  async close(): Promise<void> {
    this.#closed.abort(new Error('the replicas were closed'));
    await Promise.all([...this.#slots].map(({ thread }) => thread.ended));
  }

  #end(): void {
    this.#assign();
    for (const { thread } of this.#slots) void thread.close();
  }

  /** Gives queued jobs to idle threads, or says why nobody will do them. */
  #assign(): void {
    const refusal = this.#refusal();
    if (refusal !== undefined) return this.#queue.splice(0).forEach(({ reject }) => reject(refusal));
    for (const slot of this.#slots) if (slot.state === 'idle' && this.#queue.length > 0) void this.#perform(slot, this.#queue.shift()!);
  }

  #refusal(): unknown {
    try {
      throwIfAborted(this.#stop);
    } catch (error) {
      return error;
    }
    return this.#slots.size > 0 ? undefined : lostError(`none that is left: ${(this.#cause as Error).message}`, this.#cause);
  }

  async #perform(slot: Slot<Job, Result>, ticket: Ticket<Job, Result>): Promise<void> {
    slot.state = 'busy';
    try {
      ticket.resolve(await slot.thread.run(ticket.job, ticket.onProgress));
    } catch (error) {
      if (error instanceof ThreadLost) return this.#again(ticket, error);
      ticket.reject(error);
    }
    slot.state = 'idle';
    slot.proven = true;
    this.#assign();
  }

  #again(ticket: Ticket<Job, Result>, loss: ThreadLost): void {
    const error = this.#stop.aborted ? this.#refusal() : afterLoss(ticket, loss);
    if (error !== undefined) return ticket.reject(error);
    this.#queue.unshift(ticket);
    this.#assign();
  }

  /** Starts one more thread; rejects when it does not open. */
  async #add(): Promise<void> {
    const { module, setup } = this.#options;
    const slot: Slot<Job, Result> = { thread: startThread({ module: module.href, setup }), state: 'opening', proven: false };
    this.#slots.add(slot);
    void slot.thread.ended.then((loss) => this.#lost(slot, loss));
    try {
      await slot.thread.opened;
      slot.state = 'idle';
    } catch (error) {
      await slot.thread.close();
      throw error;
    } finally {
      if (slot.state === 'opening') this.#slots.delete(slot);
    }
  }

  #lost(slot: Slot<Job, Result>, loss: ThreadLost): void {
    this.#slots.delete(slot);
    if (this.#stop.aborted || slot.state === 'opening') return;
    this.#report(`one that died: ${loss.message}`, loss);
    // One that dies before it was given anything would do so again.
    if (slot.state === 'busy' || slot.proven) void this.#replace();
    else this.#assign();
  }

  async #replace(): Promise<void> {
    try {
      await this.#add();
    } catch (error) {
      if (!this.#stop.aborted) this.#report(`one that could not be replaced: ${(error as Error).message}`, error);
    }
    this.#assign();
  }

  #report(got: string, cause: unknown): void {
    this.#cause = cause;
    this.#options.onLost?.(lostError(got, cause));
  }
}
