import type { RobustError } from '@robustjs/core';

/** What replicas work on. */
export interface ReplicaOptions<Setup> {
  /** Threads; 0 or 1: jobs run one after another in the calling thread, which costs no thread and no copies. */
  readonly count: number;
  /** A JavaScript module that exports `open` as {@link ReplicaModule} says; every replica loads it. */
  readonly module: URL;
  /** Handed to `open`: structured-cloneable; SharedArrayBuffers are shared. */
  readonly setup: Setup;
  /** Aborted: every job rejects with `RJS_ABORTED` at once and the threads end. */
  readonly signal?: AbortSignal;
  /** Told of each replica that died, with the cause; it is replaced and its job runs again. */
  readonly onLost?: (cause: RobustError) => void;
}

/** What a module of jobs exports. */
export interface ReplicaModule<Setup, Job, Result> {
  /** Builds what all jobs of one replica need, such as a model and data. In a thread of its own it starts the runtime, too. */
  open(setup: Setup): ReplicaWork<Job, Result> | Promise<ReplicaWork<Job, Result>>;
}

/** One replica's work. Jobs and results are structured-cloneable; SharedArrayBuffers are shared. */
export interface ReplicaWork<Job, Result> {
  /**
   * Does one job. It may be called again for a job that was begun before, so it does not build on what that left behind.
   *
   * @param report tells whoever asked for the job how far it is.
   * @param signal aborted when the result is no longer wanted; in a thread never, for that one is ended instead.
   */
  run(job: Job, report: (progress: unknown) => void, signal: AbortSignal): Promise<Result>;
  /** Releases what `open` made. */
  close(): void;
}

/** Replicas of the same work that share a queue of jobs. */
export interface Replicas<Job, Result> {
  /** Jobs that run at a time. */
  readonly count: number;
  /**
   * Does a job on the next replica that is free.
   *
   * @param onProgress told what the job reports; it starts anew where a job runs again.
   * @throws RobustError `RJS_REPLICA` when two replicas died of it, or none is left; `RJS_ABORTED` when stopped or closed;
   * what the job itself throws, with the same code and message.
   */
  run(job: Job, onProgress?: (progress: unknown) => void): Promise<Result>;
  /** Ends the replicas; jobs not done by then reject with `RJS_ABORTED`. */
  close(): Promise<void>;
}
