import type { Model, Route } from '@robustjs/core';
import type { Dataset } from '@robustjs/datasets';
import type { AttackBook } from './engine/attack-ref.ts';
import type { Jobs } from './engine/jobs.ts';
import type { Workbench } from './engine/task.ts';
import type { Found } from './found.ts';

/** What every part of an evaluation works with. Rows are positions in the data set. */
export interface Context {
  readonly jobs: Jobs;
  readonly book: AttackBook;
  /** For what is looked at in this thread and never recorded. */
  readonly bench: Workbench;
  /** The model as the caller has it: what it declares. All its work is done in jobs. */
  readonly model: Pick<Model, 'inputShape' | 'bounds' | 'branches' | 'differentiable'>;
  readonly classes: number;
  readonly dataset: Dataset;
  readonly route: Extract<Route, { kind: 'one' }>;
  readonly seed: number;
  /** The model has no gradient: attacks get zeros. */
  readonly flat: boolean;
  /** The model draws random numbers. */
  readonly stochastic: boolean;
  /** What was broken within the budget that ranks, by whatever attack. */
  readonly found: Found;
  /** Names of other networks that checks may borrow from. */
  readonly others: readonly string[];
}
