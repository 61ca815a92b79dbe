import type { Objective } from '@robustjs/core';
import { crossEntropy } from '@robustjs/nn';
import { cast, fill, max, mul, oneHot, sub, sum, type Tensor1D, tidy, where } from '@tensorflow/tfjs-core';

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
