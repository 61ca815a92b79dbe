import { mul, oneHot, sub, type Tensor, type Tensor1D, type Tensor2D, tidy, topk } from '@tensorflow/tfjs-core';

/**
 * The classes other than the label, most likely first, as targeted ensembles go through them: where the label is on top,
 * column r holds the class of the (r + 2)nd largest logit.
 *
 * @param logits `[N, K]`.
 * @param labels `[N]` int32.
 * @param count how many, at most K - 1.
 * @returns `[N, count]` int32.
 */
export function rankedTargets(logits: Tensor, labels: Tensor1D, count: number): Tensor2D {
  return tidy(() => topk<Tensor2D>(sub(logits, mul(oneHot(labels, logits.shape[1]!), 1e30)), count, true).indices);
}
