import { RobustError } from '@robustjs/core';

/** A job and who waits for it. */
export interface Ticket<Job, Result> {
  readonly job: Job;
  readonly onProgress: (progress: unknown) => void;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
  /** How the replicas that tried it ended. */
  readonly losses: string[];
}

// A second death says that it is the job, not the thread.
const LOSSES = 2;

/** Notes that a replica died of a job; an error where the job is given up. */
export function afterLoss({ losses }: Pick<Ticket<never, never>, 'losses'>, cause: Error): RobustError | undefined {
  losses.push(cause.message);
  return losses.length < LOSSES ? undefined : lostError(`${LOSSES} that died of it: ${losses.join('; ')}`, cause);
}

/** A replica died. */
export const lostError = (got: string, cause: unknown): RobustError =>
  new RobustError('RJS_REPLICA', { expected: 'a worker thread to do its job', got, fix: 'where memory is short, use fewer workers; one runs without threads', cause });
