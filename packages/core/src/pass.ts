import { add, dispose, mul, type Tensor, tidy, type Variable } from '@tensorflow/tfjs-core';
import type { RandomStream } from './random.ts';
import { MAIN, one, type Route } from './route.ts';

/** A statistic that a layer saw in a training pass: `buffer <- decay * buffer + (1 - decay) * value`. */
export interface Update {
  /** The running statistic to move. */
  readonly buffer: Variable;
  /** What the layer saw in this batch; kept from TF.js's scopes, disposed by whoever commits or drops it. */
  readonly value: Tensor;
  /** Share of the old value that stays, in [0, 1]. */
  readonly decay: number;
}

/**
 * Everything about one forward pass that is not the input. It is never stored in a model: there is no mode to set and
 * none to forget to reset. Without `updates` a training pass moves no statistic, so an attack cannot touch them.
 */
export interface Pass {
  /** True: batch statistics and active dropout. False: running statistics. */
  readonly train: boolean;
  /** Which normalization branch each row takes. */
  readonly route: Route;
  /** Where a training pass appends the statistics it saw. */
  readonly updates?: Update[];
  /** Randomness for stochastic layers. */
  readonly random?: RandomStream;
  /** Hidden features wanted, by name; the network sets the value of each name present. The caller disposes them. */
  readonly taps?: Map<string, Tensor | undefined>;
}

/** A pass with running statistics and nothing recorded. */
export function evaluation(route: Route = one(MAIN)): Pass {
  return { train: false, route };
}

/** Moves the running statistics by what a training pass saw, in order, and disposes the records. */
export function commitUpdates(updates: readonly Update[]): void {
  for (const { buffer, value, decay } of updates) {
    tidy(() => buffer.assign(add(mul(buffer, decay), mul(value, 1 - decay))));
  }
  dropUpdates(updates);
}

/** Disposes the records of a training pass without moving anything. */
export function dropUpdates(updates: readonly Update[]): void {
  dispose(updates.map((update) => update.value));
}
