import type { Attack, Batch, Model, Route } from '@robustjs/core';
import type { Dataset } from '@robustjs/datasets';
import type { AttackRef } from './attack-ref.ts';

/** What a job works with: the same in every thread. Rows are positions in the data set. */
export interface Workbench {
  readonly model: Model;
  readonly dataset: Dataset;
  readonly route: Extract<Route, { kind: 'one' }>;
  readonly seed: number;
  /** Weights as they were before anything ran; null where they cannot be seen. */
  readonly weightsSha256: string | null;
  /** Weights as they are. */
  readonly weightsHash: () => Promise<string | null>;
  /** Other networks by name, for checks that borrow from them; in the calling thread only. */
  readonly others: Readonly<Record<string, Model>>;
  readonly attack: (ref: AttackRef) => Promise<Attack>;
  /** Stops between the steps of an attack. */
  readonly signal?: AbortSignal | undefined;
}

/** One kind of job: a function of a batch of rows and of arguments that JSON can say, so that it can run and be recorded anywhere. */
export interface Task<Args, Result> {
  /** Unique; part of what a recorded result is known by. */
  readonly name: string;
  /** The result is structured-cloneable; the batch is disposed by the caller. */
  run(bench: Workbench, batch: Batch, args: Args): Promise<Result>;
}

/** A task on some rows. */
export interface Job {
  readonly task: string;
  readonly args: unknown;
  readonly rows: Int32Array;
}

/** What came of a job. */
export interface JobResult {
  readonly value: unknown;
  readonly seconds: number;
}
