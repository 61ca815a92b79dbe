import type { PlainError } from './plain-error.ts';

/** What a thread is started with. */
export interface ThreadData {
  /** Address of the module of jobs. */
  readonly module: string;
  readonly setup: unknown;
}

/** What a thread is told. One job at a time. */
export type ToThread = { readonly kind: 'job'; readonly job: unknown } | { readonly kind: 'close' };

/** What a thread tells. */
export type FromThread =
  | { readonly kind: 'open' }
  | { readonly kind: 'progress'; readonly value: unknown }
  | { readonly kind: 'result'; readonly value: unknown }
  /** The job failed, or opening did. */
  | { readonly kind: 'failed'; readonly error: PlainError };
