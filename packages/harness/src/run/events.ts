import type { Arm } from './tracks.ts';

/** What happens while arms run, in the order it happens. `log.jsonl` holds all but progress, with the time. */
export type RunEvent =
  /** An arm begins, or goes on. */
  | { readonly kind: 'start'; readonly id: string; readonly recipeHash: string }
  /** How far one stage of it is: training, or one attack of the evaluation. */
  | {
      readonly kind: 'progress';
      readonly id: string;
      readonly stage: string;
      readonly done: number;
      readonly total: number;
      readonly unit: string;
    }
  /** Training or evaluation is over. */
  | { readonly kind: 'part'; readonly id: string; readonly part: string; readonly seconds: number }
  /** Something worth knowing, such as how many threads train, or that one of them died and was replaced. */
  | { readonly kind: 'note'; readonly id: string; readonly message: string }
  /** The entry is written; `kept` when it was there before. */
  | { readonly kind: 'done'; readonly id: string; readonly kept: boolean }
  /** It ended without an entry. */
  | { readonly kind: 'failed'; readonly id: string; readonly code: string; readonly message: string; readonly stack?: string }
  /** It was asked to stop, and can go on later. */
  | { readonly kind: 'stopped'; readonly id: string };

/** What the parent tells a worker process. */
export type ToWorker =
  | { readonly kind: 'run'; readonly arm: Arm; readonly outDir: string; readonly workers: number; readonly from?: string; readonly checkpointEverySteps?: number }
  | { readonly kind: 'stop' };
