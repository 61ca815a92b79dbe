import { add, relu, sub, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { root, squaredDistances } from '../distances.ts';
import { checkNumber } from '../errors.ts';
import { negativePairs, positivePairs } from '../masks.ts';
import { average, type Averaging } from '../reducers.ts';
import { tripletTerms } from '../terms.ts';
import type { EmbeddingBatch, EmbeddingLoss } from '../types.ts';

/** Options of {@link contrastive}. */
export interface ContrastiveOptions {
  /** Distance that pairs of one class may keep. Default 0. */
  readonly positiveMargin?: number;
  /** Distance that pairs of two classes must reach. Default 1. */
  readonly negativeMargin?: number;
  /** Over positive and negative terms each, which are then added. Default `'mean-of-positive'`. */
  readonly averaging?: Averaging;
}

/**
 * Contrastive loss: pairs of one class are drawn together, pairs of two pushed apart up to a margin. Takes all ordered pairs of a batch,
 * or those of mined triplets.
 *
 * Source: Hadsell, Chopra, LeCun, CVPR 2006; distances are not squared, as in current libraries.
 *
 * @throws RobustError `RJS_METRIC_OPTION`.
 */
export function contrastive(options: ContrastiveOptions = {}): EmbeddingLoss {
  const { averaging = 'mean-of-positive' } = options;
  const positiveMargin = checkNumber('positiveMargin', options.positiveMargin ?? 0, (options.positiveMargin ?? 0) >= 0, 'zero or more');
  const negativeMargin = checkNumber('negativeMargin', options.negativeMargin ?? 1, (options.negativeMargin ?? 1) > 0, 'above zero');
  return {
    id: 'contrastive',
    config: { positiveMargin, negativeMargin, averaging },
    compute: (batch) =>
      tidy(() => {
        const { near, far, isNear, isFar } = pairs(batch);
        return add(average(relu(sub(root(near), positiveMargin)), isNear, averaging), average(relu(sub(negativeMargin, root(far))), isFar, averaging));
      }),
  };
}

/** Squared distances of pairs of one class and of two, with masks: all of a batch, or those of its triplets. */
function pairs(batch: EmbeddingBatch): { near: Tensor; far: Tensor; isNear: Tensor; isFar: Tensor } {
  const { embeddings, labels, triplets } = batch;
  if (triplets !== undefined) {
    const { near, far, mask } = tripletTerms(batch);
    return { near, far, isNear: mask, isFar: mask };
  }
  const all = squaredDistances(embeddings, embeddings);
  return { near: all, far: all, isNear: positivePairs(labels), isFar: negativePairs(labels) };
}
