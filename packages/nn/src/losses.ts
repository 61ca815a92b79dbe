import { customGrad, expandDims, logSoftmax, mul, softmax, sub, sum, type Tensor, type Tensor1D } from '@tensorflow/tfjs-core';
import { balanced, hardCrossEntropy, probabilityCrossEntropy } from './ops/softmax-cross-entropy.ts';

/**
 * Cross-entropy a row, `[N]`, of logits `[N, K]` and class indices `[N]` int32. Correct under double backprop. Its gradient
 * lasts up to a lead of about 85 of the label's logit; beyond, float32 has no number as small.
 *
 * @param smoothing share of the target moved to the uniform distribution over all K classes, in [0, 1]. Default 0.
 */
export function crossEntropy(logits: Tensor, labels: Tensor, smoothing = 0): Tensor1D {
  return hardCrossEntropy(logits, labels, smoothing);
}

/**
 * Cross-entropy a row, `[N]`, of logits and target probabilities, both `[N, K]`; the probabilities of a row add up to 1.
 * The gradient reaches the logits only, and is correct under double backprop.
 */
export function softCrossEntropy(logits: Tensor, probabilities: Tensor): Tensor1D {
  return probabilityCrossEntropy(logits, probabilities);
}

/**
 * Kullback-Leibler divergence a row, `[N]`: KL(softmax(p) || softmax(q)) of logits `[N, K]`. The gradient reaches both
 * (TRADES needs that) and is correct under double backprop.
 */
export function klDivergence(pLogits: Tensor, qLogits: Tensor): Tensor1D {
  const op = customGrad((p, q, save) => {
    (save as Save)([p as Tensor, q as Tensor]);
    return {
      value: sum(mul(softmax(p as Tensor), logRatio(p as Tensor, q as Tensor)), 1),
      gradFunc: (dy: Tensor, [a, b]: Tensor[]) => divergenceGradient(dy, a!, b!),
    };
  });
  return op(pLogits, qLogits) as Tensor1D;
}

type Save = (tensors: Tensor[]) => void;

const logRatio = (p: Tensor, q: Tensor): Tensor => sub(logSoftmax(p), logSoftmax(q));

// From saved logits, as in ops/softmax-cross-entropy.ts.
function divergenceGradient(dy: Tensor, p: Tensor, q: Tensor): Tensor[] {
  const weight = expandDims(dy, 1);
  const probabilities = softmax(p);
  const ratio = logRatio(p, q);
  const centered = sub(ratio, expandDims(sum(mul(probabilities, ratio), 1), 1));
  return [mul(weight, mul(probabilities, centered)), mul(weight, balanced(sub(softmax(q), probabilities), probabilities))];
}
