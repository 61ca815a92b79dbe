import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { RobustError } from './errors.ts';

/** Name of one set of normalization parameters and statistics, such as `'main'` or `'adversarial'`. */
export type Branch = string;

/** The branch that every network has, and the one that is deployed unless a defense says otherwise. */
export const MAIN: Branch = 'main';

/**
 * Which normalization branch each row of a batch goes through. A network without branches ignores it.
 *
 * - `one`: every row through one branch.
 * - `rows`: contiguous rows of a stacked batch, each part through its own branch with its own batch statistics.
 * - `mix`: each row through all the branches named, weighted by its row of `weights` `[N, K]`. Evaluation only.
 */
export type Route =
  | { readonly kind: 'one'; readonly branch: Branch }
  | { readonly kind: 'rows'; readonly parts: readonly { readonly branch: Branch; readonly count: number }[] }
  | { readonly kind: 'mix'; readonly branches: readonly Branch[]; readonly weights: Tensor2D };

/** Every row through one branch. */
export function one(branch: Branch): Route {
  return { kind: 'one', branch };
}

/** The first `count` rows through the first branch named, the next through the next, and so on. */
export function rows(parts: readonly { readonly branch: Branch; readonly count: number }[]): Route {
  return { kind: 'rows', parts };
}

/**
 * Soft selection of branches.
 *
 * @param branches K branch names.
 * @param weights `[N, K]`; each row sums to 1. Gradients reach the weights. The caller keeps and disposes them.
 */
export function mix(branches: readonly Branch[], weights: Tensor2D): Route {
  return { kind: 'mix', branches, weights };
}

/**
 * Checks a route against the branches a network has and the rows of a batch.
 * Call it before a gradient is taken: an error thrown inside TF.js's tape leaks tensors for good.
 *
 * @throws RobustError `RJS_BRANCH` for an unknown branch, `RJS_ROUTE` for rows or weights that do not cover the batch,
 * `RJS_ROUTE_MIX` for soft selection in training.
 */
export function checkRoute(route: Route, known: readonly Branch[], batch: Tensor, train: boolean): void {
  const size = batch.shape[0] ?? 0;
  const named = route.kind === 'one' ? [route.branch] : route.kind === 'rows' ? route.parts.map((p) => p.branch) : route.branches;
  for (const branch of named) {
    if (!known.includes(branch)) {
      throw new RobustError('RJS_BRANCH', {
        expected: `a branch among ${known.join(', ')}`,
        got: JSON.stringify(branch),
        fix: 'build the network with this branch, or route to one that it has',
      });
    }
  }
  if (route.kind === 'mix' && train) {
    throw new RobustError('RJS_ROUTE_MIX', {
      expected: 'a hard route (one or rows) in training',
      got: 'mix',
      fix: 'soft selection would give every branch the same statistics: use it in evaluation only',
    });
  }
  const covered = route.kind === 'rows' ? route.parts.reduce((sum, p) => sum + p.count, 0) : route.kind === 'mix' ? route.weights.shape[0] : size;
  const columns = route.kind === 'mix' ? route.weights.shape[1] === route.branches.length : true;
  const counts = route.kind === 'rows' ? route.parts.every((p) => Number.isInteger(p.count) && p.count >= 0) : true;
  if (covered !== size || !columns || !counts) {
    throw new RobustError('RJS_ROUTE', {
      expected: `a route for ${size} rows`,
      got: route.kind === 'mix' ? `weights of shape [${route.weights.shape.join(', ')}] for ${named.length} branches` : `parts of ${covered} rows`,
      fix: 'let the counts of the parts, or the rows of the weights, add up to the batch',
    });
  }
}
