import { expandDims, gather, mul, type Tensor, tensor1d, type Tensor2D } from '@tensorflow/tfjs-core';
import { squaredDistances, squaredRowDistances } from './distances.ts';
import { negativePairs, positivePairs } from './masks.ts';
import type { EmbeddingBatch, Triplets } from './types.ts';

/** Values at triplets, and a mask of 1 and 0 that says which of them are real. */
export interface TripletTerms {
  /** Squared distances of anchors and positives, and of anchors and negatives. Shapes broadcast against each other. */
  readonly near: Tensor;
  readonly far: Tensor;
  /** Squared distances of positives and negatives. */
  readonly across: Tensor;
  readonly mask: Tensor;
}

/** Squared distances at the mined triplets of a batch, or at all that it has, `[N, N, N]` by anchor, positive and negative. */
export function tripletTerms({ embeddings, labels, triplets }: EmbeddingBatch): TripletTerms {
  if (triplets !== undefined) return minedTerms(embeddings, triplets);
  const squared = squaredDistances(embeddings, embeddings);
  return {
    near: expandDims(squared, 2),
    far: expandDims(squared, 1),
    across: expandDims(squared, 0),
    mask: mul(expandDims(positivePairs(labels), 2), expandDims(negativePairs(labels), 1)),
  };
}

function minedTerms(embeddings: Tensor2D, triplets: Triplets): TripletTerms {
  // No triplets: one that does not count, since operations on nothing are not to be relied on.
  const none = triplets.anchors.length === 0;
  const rows = (indices: Int32Array): Tensor2D => gather(embeddings, tensor1d(none ? [0] : indices, 'int32'));
  const [anchors, positives, negatives] = [rows(triplets.anchors), rows(triplets.positives), rows(triplets.negatives)];
  return {
    near: squaredRowDistances(anchors, positives),
    far: squaredRowDistances(anchors, negatives),
    across: squaredRowDistances(positives, negatives),
    mask: tensor1d(none ? [0] : Array.from(triplets.anchors, () => 1)),
  };
}
