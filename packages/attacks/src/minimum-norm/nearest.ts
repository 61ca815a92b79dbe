import type { Search } from '@robustjs/core';
import { clone, dispose, fill, less, logicalAnd, type Tensor, type Tensor1D, tidy, where } from '@tensorflow/tfjs-core';
import { chooseRows } from '../rows.ts';

/** The nearest adversarial input of each row so far. */
export interface Nearest {
  readonly inputs: Tensor;
  /** Infinity before the first, `[N]`. */
  readonly distances: Tensor1D;
}

/** Before anything was found. */
export const nothingFound = (clean: Tensor): Nearest => ({ inputs: clone(clean), distances: fill([clean.shape[0]], Infinity) });

/** What is nearest after one more input a row. Runs inside the caller's tidy. */
export function nearer(nearest: Nearest, inputs: Tensor, adversarial: Tensor1D, distances: Tensor1D): Nearest {
  const better = logicalAnd<Tensor1D>(adversarial, less(distances, nearest.distances));
  return { inputs: chooseRows(better, inputs, nearest.inputs), distances: where(better, distances, nearest.distances) };
}

// No input is as far away as this, and comparing with infinity is not needed.
const isFound = (distances: Tensor1D): Tensor1D => less(distances, 1e38);

/** Proposes the nearest adversarial input of each row, or the last one where none was found, moved into the threat model. */
export function offerNearest(search: Search, { inputs, distances }: Nearest, last: Tensor): void {
  if (search.rows === 0) return;
  const best = tidy(() => search.project(chooseRows(isFound(distances), inputs, last)));
  search.offer(best);
  dispose(best);
}
