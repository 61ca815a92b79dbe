import { add, cast, div, greater, less, max, min, mul, ones, sub, sum, type Tensor, type Tensor1D, type Tensor2D, tidy } from '@tensorflow/tfjs-core';
import { detached } from '../detached.ts';
import { similarities } from '../distances.ts';
import { checkNumber } from '../errors.ts';
import { FAR, logOnePlusSum } from '../log-one-plus-sum.ts';
import { negativePairs, positivePairs } from '../masks.ts';
import { ratio } from '../reducers.ts';
import type { EmbeddingLoss } from '../types.ts';

/** Options of {@link multiSimilarity}. */
export interface MultiSimilarityOptions {
  /** Weight of positive pairs. Default 2. */
  readonly alpha?: number;
  /** Weight of negative pairs. Default 50. */
  readonly beta?: number;
  /** Similarity that pairs are compared with. Default 0.5. */
  readonly base?: number;
  /**
   * Keeps only pairs that are hard by this much: positives less similar than the most similar negative, negatives more similar than the
   * least similar positive. Absent: all pairs.
   */
  readonly mining?: number;
  /**
   * What an anchor without pairs of one kind does: `'half'`, the other kind counts and the mean is over all anchors (PyTorch Metric
   * Learning); `'skip'`, it does not count (Roth et al., MDProp). Default `'half'`.
   */
  readonly incomplete?: 'half' | 'skip';
}

/**
 * Multi-similarity loss: every pair weighs by how it compares with the others of its anchor.
 *
 * Source: Wang, Han, Huang, Dong, Scott, CVPR 2019, equations 11 to 15; the presets of two libraries are {@link pmlPresets} and
 * {@link rothPresets}.
 *
 * @throws RobustError `RJS_METRIC_OPTION`.
 */
export function multiSimilarity(options: MultiSimilarityOptions = {}): EmbeddingLoss {
  const { base = 0.5, mining, incomplete = 'half' } = options;
  const alpha = checkNumber('alpha', options.alpha ?? 2, (options.alpha ?? 2) > 0, 'above zero');
  const beta = checkNumber('beta', options.beta ?? 50, (options.beta ?? 50) > 0, 'above zero');
  return {
    id: 'multi-similarity',
    config: { alpha, beta, base, incomplete, ...(mining !== undefined && { mining }) },
    compute: ({ embeddings, labels }) =>
      tidy(() => {
        const S = similarities(embeddings, embeddings);
        const [positives, negatives] = hardPairs(S, positivePairs(labels), negativePairs(labels), mining);
        const each = anchorTerms(sub(S, base), positives, negatives, { alpha, beta });
        const counts = incomplete === 'half' ? ones([labels.shape[0]]) : detached([positives, negatives], ([p, n]) => mul<Tensor1D>(hasAny(p as Tensor2D), hasAny(n as Tensor2D)));
        return ratio(sum(mul(each, counts)), sum(counts));
      }),
  };
}

/** What each anchor adds, `[N]`, of similarities less the base. */
export function anchorTerms(centered: Tensor2D, positives: Tensor2D, negatives: Tensor2D, { alpha, beta }: { readonly alpha: number; readonly beta: number }): Tensor1D {
  return tidy(() => add(div(logOnePlusSum(mul(centered, -alpha), positives), alpha), div(logOnePlusSum(mul(centered, beta), negatives), beta)));
}

/** The pairs that the loss's own mining keeps; thresholds come from all pairs. */
export function hardPairs(S: Tensor2D, positives: Tensor2D, negatives: Tensor2D, mining: number | undefined): [Tensor2D, Tensor2D] {
  if (mining === undefined) return [positives, negatives];
  const masked = (mask: Tensor, s: Tensor, other: number): Tensor => add(mul(s, mask), mul(sub(1, mask), other));
  return [
    detached([S], ([s]) => mul<Tensor2D>(positives, cast(less(sub(s!, mining), max(masked(negatives, s!, FAR), 1, true)), 'float32'))),
    detached([S], ([s]) => mul<Tensor2D>(negatives, cast(greater(add(s!, mining), min(masked(positives, s!, -FAR), 1, true)), 'float32'))),
  ];
}

const hasAny = (mask: Tensor2D): Tensor1D => tidy(() => cast<Tensor1D>(greater(sum(mask, 1), 0), 'float32'));
