import { RobustError } from '@robustjs/core';
import { add, div, logSoftmax, mul, type Scalar, softmax, sub, sum, type Tensor, type Tensor2D, tidy } from '@tensorflow/tfjs-core';
import { detached } from '../detached.ts';
import { similarities } from '../distances.ts';

/**
 * How far the similarities of an embedding are from those of another, which teaches: `T^2 / n` times the divergence of their row-wise
 * softmaxes at temperature T. The gradient reaches the learner only.
 *
 * Source: Roth, Milbich, Ommer, Cohen, Ghassemi, "S2SD", ICML 2021; the released code, which keeps each example's similarity with itself.
 *
 * @param learner embeddings `[N, d]` of length 1.
 * @param teacher embeddings `[N, D]` of length 1 of the same examples.
 */
export function selfDistillation(learner: Tensor2D, teacher: Tensor2D, temperature = 1): Scalar {
  return tidy(() => similarityDivergence(similarities(learner, learner), similarities(teacher, teacher), temperature));
}

/** The same of matrices of similarities `[N, N]`. */
export function similarityDivergence(learner: Tensor2D, teacher: Tensor2D, temperature = 1): Scalar {
  return tidy(() => {
    const [n] = learner.shape;
    const target = detached([teacher], ([b]) => softmax(div(b!, temperature)));
    const logTarget = detached([teacher], ([b]) => logSoftmax(div(b!, temperature)));
    const gap: Tensor = mul(target, sub(logTarget, logSoftmax(div(learner, temperature))));
    return mul<Scalar>(sum(gap), temperature ** 2 / n);
  });
}

/** What {@link s2sd} puts together; losses are those of the source embedding and of each head. */
export interface SelfDistillationParts {
  readonly source: Scalar;
  /** Losses of the heads' embeddings. */
  readonly targets: readonly Scalar[];
  /** Source embedding `[N, d]`, and the heads' embeddings, all of length 1. */
  readonly embeddings: Tensor2D;
  readonly heads: readonly Tensor2D[];
  /** Pooled features of length 1, once their term is on (after 1000 steps in the released code). */
  readonly features?: Tensor2D;
  /** Weight of the divergence from heads. Default 50. */
  readonly weight?: number;
  /** Weight of the divergence from features. Default: that from heads. */
  readonly featureWeight?: number;
  /** Default 1. */
  readonly temperature?: number;
}

/**
 * S2SD: half the source's loss, half the mean loss of heads of higher dimension, and the source's divergence from the heads. At test time
 * heads are dropped.
 *
 * Source: Roth et al., ICML 2021, equation 4.
 *
 * @throws RobustError `RJS_METRIC_OPTION` without heads, or with another number of losses than of heads.
 */
export function s2sd(parts: SelfDistillationParts): Scalar {
  const { source, targets, embeddings, heads, features, weight = 50, featureWeight = weight, temperature = 1 } = parts;
  if (heads.length === 0 || targets.length !== heads.length) {
    throw new RobustError('RJS_METRIC_OPTION', { expected: 'one loss for each head, and one head or more', got: `${targets.length} losses, ${heads.length} heads`, fix: 'pass the loss of every head in targets' });
  }
  return tidy(() => {
    const mean = (terms: readonly Scalar[]): Scalar => div(terms.reduce((a, b) => add(a, b)), terms.length);
    const base = mul(add(source, mean(targets)), 0.5);
    const taught = mul(mean(heads.map((head) => selfDistillation(embeddings, head, temperature))), weight);
    const total = add<Scalar>(base, taught);
    return features === undefined ? total : add(total, mul(selfDistillation(embeddings, features, temperature), featureWeight));
  });
}
