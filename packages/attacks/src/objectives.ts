import type { Objective } from '@robustjs/core';
import { crossEntropy } from '@robustjs/nn';
import {
  add, cast, customGrad, div, expandDims, fill, max, mul, oneHot, ones, slice, squeeze, sub, sum, type Tensor, type Tensor1D, type Tensor2D, tensor2d, tidy,
  topk, where, zerosLike,
} from '@tensorflow/tfjs-core';
import { fused } from './rows.ts';

/** Cross-entropy of the logits, what most attacks maximize. */
export const crossEntropyObjective: Objective = (logits, labels) => crossEntropy(logits, labels);

/**
 * The largest other logit minus the label's, what C&W-style attacks maximize (Carlini and Wagner, S&P 2017, f6 without
 * its floor). Unlike cross-entropy it keeps a gradient where the softmax saturates. Positive: misclassified.
 */
export const marginObjective: Objective = (logits, labels) =>
  fused<Tensor1D>('LogitMargin', { logits }, { labels }, {}, true) ?? tidy(() => {
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
    return div<Tensor1D>(margin, add(sub(max(logits, 1), meanOfRanks(logits, [3])), TINY));
  });

/**
 * Targeted difference of logits ratio: how far the target's logit is ahead of the label's, over the largest logit minus the
 * mean of the third and the fourth (Croce and Hein, ICML 2020, equation 7). Three classes have no fourth logit: there the
 * third alone is taken; two have neither: there nothing is divided by.
 *
 * @param targets one class a row, `[N]` int32, of the rows that the objective is asked about.
 */
export function targetedDlrObjective(targets: Tensor1D): Objective {
  return (logits, labels) => fused<Tensor1D>('ClassLead', { logits }, { labels, targets }, { ratio: true }, true) ?? ratio(logits as Tensor2D, () => {
    const classes = logits.shape[1]!;
    // Cast once: the wasm kernel writes int32 whatever data type it is asked for.
    return cast(sub(oneHot(targets, classes), oneHot(labels as Tensor1D, classes)), 'float32');
  });
}

/**
 * Two linear forms of the logits divided, `<lead, z> / (<gap, z> + TINY)`, with its gradient written out: which logits the forms
 * weigh changes nowhere but at ties. TF.js's tape would record and differentiate some twenty operations. The gradient starts from
 * saved logits, so that it has one of its own.
 */
function ratio(logits: Tensor2D, lead: () => Tensor): Tensor1D {
  const op = customGrad((given, save) => {
    const z = given as Tensor2D;
    const saved = [z, lead(), gapWeights(z)];
    (save as (tensors: Tensor[]) => void)(saved);
    return { value: squeeze(quotient(saved).value, [1]), gradFunc: (dy: Tensor, saved: Tensor[]) => {
      const { value, gap } = quotient(saved);
      return mul(div(expandDims(dy, 1), gap), sub(saved[1]!, mul(value, saved[2]!)));
    } };
  });
  return tidy(() => op(logits) as Tensor1D);
}

function quotient(saved: readonly Tensor[]): { value: Tensor; gap: Tensor } {
  const [z, lead, weights] = saved as [Tensor2D, Tensor, Tensor];
  const gap = z.shape[1] < 3 ? ones([z.shape[0], 1]) : add(sum(mul(z, weights), 1, true), TINY);
  return { value: div(sum(mul(z, lead), 1, true), gap), gap };
}

/** What each logit weighs in the gap below the largest: 1, and minus 1 over their number at the third and the fourth. Two classes have no gap. */
function gapWeights(logits: Tensor2D): Tensor {
  const classes = logits.shape[1];
  if (classes < 3) return zerosLike(logits);
  const byRank = classes === 3 ? [1, 0, -1] : [1, 0, -0.5, -0.5];
  const { indices } = topk(logits, byRank.length, true);
  return sum(mul(oneHot(indices, classes), tensor2d(byRank, [byRank.length, 1])), 1);
}

/**
 * The same ratio of a target and whichever other class is ahead, for a search that is given targets and no labels.
 * Positive: the target is reached.
 */
export const towardsTargetDlr: Objective = (logits, targets) => tidy(() => div<Tensor1D>(mul(marginObjective(logits, targets), -1), targetedGap(logits)));

function targetedGap(logits: Tensor): Tensor {
  const classes = logits.shape[1]!;
  if (classes < 3) return fill([logits.shape[0]], 1);
  return add(sub(max(logits, 1), meanOfRanks(logits, classes === 3 ? [3] : [3, 4])), TINY);
}

/** The mean of each row's logits at these ranks, 1 being the largest. */
const meanOfRanks = (logits: Tensor, ranks: readonly number[]): Tensor => mul(sum(mul(logits, atRanks(logits, ranks)), 1), 1 / ranks.length);

/** Marks the logits at some ranks with 1. Which ones they are has no gradient, and TF.js has none for sorting. */
function atRanks(logits: Tensor, ranks: readonly number[]): Tensor {
  const mark = customGrad((x) => {
    const given = x as Tensor2D;
    const { indices } = topk(given, Math.max(...ranks), true);
    const first = Math.min(...ranks) - 1;
    const marks = oneHot(slice(indices, [0, first], [-1, ranks.length]), given.shape[1]);
    return { value: cast(sum(marks, 1), 'float32'), gradFunc: () => zerosLike(given) };
  });
  return mark(logits);
}
