import type { Objective } from '@robustjs/core';
import { crossEntropy } from '@robustjs/nn';
import {
  add, cast, customGrad, div, fill, max, mul, oneHot, slice, squeeze, sub, sum, type Tensor, type Tensor1D, type Tensor2D, tidy, topk, where,
  zerosLike,
} from '@tensorflow/tfjs-core';

/** Cross-entropy of the logits, what most attacks maximize. */
export const crossEntropyObjective: Objective = (logits, labels) => crossEntropy(logits, labels);

/**
 * The largest other logit minus the label's, what C&W-style attacks maximize (Carlini and Wagner, S&P 2017, f6 without
 * its floor). Unlike cross-entropy it keeps a gradient where the softmax saturates. Positive: misclassified.
 */
export const marginObjective: Objective = (logits, labels) =>
  tidy(() => {
    // The wasm kernel writes int32 whatever data type it is asked for, past the end of a tensor of bools.
    const isLabel = cast(oneHot(labels as Tensor1D, logits.shape[1]!), 'bool');
    const label = sum(mul(logits, isLabel), 1);
    // Masked with a large negative number: multiplying with zero would let the mask win where all others are negative.
    const others = max(where(isLabel, fill(logits.shape, -1e30), logits), 1);
    return sub<Tensor1D>(others, label);
  });

// As in the authors' code; float32 loses it beside any difference of logits that is not zero.
const TINY = 1e-12;

/**
 * Difference of logits ratio: the margin over the gap between the largest and the third largest logit, so that neither a
 * shift nor a scale of the logits changes it (Croce and Hein, ICML 2020, equation 6). Positive: misclassified. Two classes
 * have no third logit: there it is the margin, whose steepest direction is the same.
 */
export const dlrObjective: Objective = (logits, labels) =>
  tidy(() => {
    const margin = marginObjective(logits, labels);
    if (logits.shape[1]! < 3) return margin;
    const gap = sub(ranked(logits, 1), ranked(logits, 3));
    return div<Tensor1D>(margin, add(gap, TINY));
  });

/**
 * Targeted difference of logits ratio: how far the target's logit is ahead of the label's, over the largest logit minus the
 * mean of the third and the fourth (Croce and Hein, ICML 2020, equation 7). Three classes have no fourth logit: there the
 * third alone is taken; two have neither: there nothing is divided by.
 *
 * @param targets one class a row, `[N]` int32, of the rows that the objective is asked about.
 */
export function targetedDlrObjective(targets: Tensor1D): Objective {
  return (logits, labels) => tidy(() => div<Tensor1D>(sub(logitOf(logits, targets), logitOf(logits, labels as Tensor1D)), targetedGap(logits)));
}

/**
 * The same ratio of a target and whichever other class is ahead, for a search that is given targets and no labels.
 * Positive: the target is reached.
 */
export const towardsTargetDlr: Objective = (logits, targets) => tidy(() => div<Tensor1D>(mul(marginObjective(logits, targets), -1), targetedGap(logits)));

function targetedGap(logits: Tensor): Tensor {
  const classes = logits.shape[1]!;
  if (classes < 3) return fill([logits.shape[0]], 1);
  const low = classes === 3 ? ranked(logits, 3) : mul(add(ranked(logits, 3), ranked(logits, 4)), 0.5);
  return add(sub(ranked(logits, 1), low), TINY);
}

/** The logit at a rank from 1, the largest, of each row. */
const ranked = (logits: Tensor, rank: number): Tensor => only(logits, atRank(logits, rank));

const logitOf = (logits: Tensor, classes: Tensor1D): Tensor => only(logits, oneHot(classes, logits.shape[1]!));

/** The one logit of each row that a mask of 0 and 1 marks; the others may be infinite. */
const only = (logits: Tensor, mask: Tensor): Tensor => sum(where(cast(mask, 'bool'), logits, zerosLike(logits)), 1);

/** Marks the logit at a rank. Which one it is has no gradient, and TF.js has none for sorting. */
function atRank(logits: Tensor, rank: number): Tensor {
  const mark = customGrad((x) => {
    const [values, given] = [x as Tensor2D, x as Tensor2D];
    const { indices } = topk(values, rank, true);
    const place = squeeze<Tensor1D>(slice(indices, [0, rank - 1], [-1, 1]), [1]);
    return { value: cast(oneHot(place, values.shape[1]), 'float32'), gradFunc: () => zerosLike(given) };
  });
  return mark(logits);
}
