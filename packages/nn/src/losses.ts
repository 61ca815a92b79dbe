import { customGrad, expandDims, logSoftmax, mul, neg, oneHot, softmax, sub, sum, type Tensor, type Tensor1D, type Tensor2D, tidy } from '@tensorflow/tfjs-core';

// tf.losses.softmaxCrossEntropy, tf.logSoftmax and log(tf.softmax) save their outputs for the gradient and so lose the
// link to their input: under double backprop they are silently wrong. The gradients below start from saved logits.

/**
 * Cross-entropy a row, `[N]`, of logits `[N, K]` and class indices `[N]` int32. Correct under double backprop.
 *
 * @param smoothing share of the target moved to the uniform distribution over all K classes. Default 0.
 */
export function crossEntropy(logits: Tensor, labels: Tensor, smoothing = 0): Tensor1D {
  return tidy(() => {
    const classes = logits.shape[1]!;
    const hard = oneHot(labels as Tensor1D, classes, 1 - smoothing + smoothing / classes, smoothing / classes, 'float32');
    return softCrossEntropy(logits, hard);
  });
}

/** Cross-entropy a row, `[N]`, of logits and target probabilities, both `[N, K]`. The gradient reaches the logits only. */
export function softCrossEntropy(logits: Tensor, probabilities: Tensor): Tensor1D {
  const op = customGrad((z, save) => {
    (save as (tensors: Tensor[]) => void)([z as Tensor]);
    return {
      value: neg(sum(mul(probabilities, logSoftmax(z as Tensor)), 1)),
      // Probabilities of a row add up to 1, so the gradient of a row is softmax(z) - p.
      gradFunc: (dy: Tensor, [saved]: Tensor[]) => mul(expandDims(dy, 1), sub(softmax(saved!), probabilities)),
    };
  });
  return op(logits) as Tensor1D;
}

/**
 * Kullback-Leibler divergence a row, `[N]`: KL(softmax(p) || softmax(q)) of logits `[N, K]`. The gradient reaches both
 * (TRADES needs that) and is correct under double backprop.
 */
export function klDivergence(pLogits: Tensor, qLogits: Tensor): Tensor1D {
  const op = customGrad((p, q, save) => {
    (save as (tensors: Tensor[]) => void)([p as Tensor, q as Tensor]);
    return { value: divergence(p as Tensor2D, q as Tensor2D), gradFunc: (dy: Tensor, [a, b]: Tensor[]) => divergenceGradient(dy, a!, b!) };
  });
  return op(pLogits, qLogits) as Tensor1D;
}

const divergence = (p: Tensor, q: Tensor): Tensor1D => sum<Tensor1D>(mul(softmax(p), sub(logSoftmax(p), logSoftmax(q))), 1);

function divergenceGradient(dy: Tensor, p: Tensor, q: Tensor): Tensor[] {
  const weight = expandDims(dy, 1);
  const probabilities = softmax(p);
  const logRatio = sub(logSoftmax(p), logSoftmax(q));
  const centered = sub(logRatio, expandDims(sum(mul(probabilities, logRatio), 1), 1));
  return [mul(weight, mul(probabilities, centered)), mul(weight, sub(softmax(q), probabilities))];
}
