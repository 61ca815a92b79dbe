import { abs, add, mul, relu, softplus, sub, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { root } from '../distances.ts';
import { checkNumber } from '../errors.ts';
import { average, type Averaging } from '../reducers.ts';
import { tripletTerms } from '../terms.ts';
import type { EmbeddingLoss } from '../types.ts';

/** Options of {@link triplet}. */
export interface TripletOptions {
  /** By how much a negative must be farther than the positive. Default 0.05. */
  readonly margin?: number;
  /** Whether distances are squared. Default false. */
  readonly squared?: boolean;
  /** Whether the nearer of anchor and positive counts as the negative's neighbour. Default false. */
  readonly swap?: boolean;
  /** A soft hinge, `softplus`, instead of a hard one. Default false. */
  readonly smooth?: boolean;
  /** Default `'mean-of-positive'`. */
  readonly averaging?: Averaging;
}

/**
 * Triplet loss: an anchor is nearer to an example of its class than to one of another, by a margin.
 *
 * Source: Schroff, Kalenichenko, Philbin, CVPR 2015, equation 3 (with squared distances there).
 *
 * @throws RobustError `RJS_METRIC_OPTION`.
 */
export function triplet(options: TripletOptions = {}): EmbeddingLoss {
  const { squared = false, swap = false, smooth = false, averaging = 'mean-of-positive' } = options;
  const margin = checkNumber('margin', options.margin ?? 0.05, (options.margin ?? 0.05) >= 0, 'zero or more');
  const length = (x: Tensor): Tensor => (squared ? x : root(x));
  const hinge = smooth ? softplus : relu;
  return {
    id: 'triplet',
    config: { margin, squared, swap, smooth, averaging },
    compute: (batch) =>
      tidy(() => {
        const { near, far, across, mask } = tripletTerms(batch);
        const away = swap ? nearer(length(far), length(across)) : length(far);
        return average(hinge(add(sub(length(near), away), margin)), mask, averaging);
      }),
  };
}

// TF.js's minimum has no gradient for shapes that broadcast.
const nearer = (a: Tensor, b: Tensor): Tensor => mul(sub(add(a, b), abs(sub(a, b))), 0.5);
