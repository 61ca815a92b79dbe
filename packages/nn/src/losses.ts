import {
  add, cast, clone, customGrad, expandDims, logSoftmax, mul, neg, oneHot, softmax, sub, sum, type Tensor, type Tensor1D, tidy, zerosLike,
} from '@tensorflow/tfjs-core';

// tf.losses.softmaxCrossEntropy saves its softmax for the gradient and so loses the link to the logits: under double
// backprop it is silently wrong. The gradients below start from saved logits. They use nothing but what they save: a
// tensor that a closure holds is disposed with the scope it was made in, before the gradient runs.

/**
 * Cross-entropy a row, `[N]`, of logits `[N, K]` and class indices `[N]` int32. Correct under double backprop. Its gradient
 * lasts up to a lead of about 85 of the label's logit; beyond, float32 has no number as small.
 *
 * @param smoothing share of the target moved to the uniform distribution over all K classes, in [0, 1]. Default 0.
 */
export function crossEntropy(logits: Tensor, labels: Tensor, smoothing = 0): Tensor1D {
  return tidy(() => {
    const classes = logits.shape[1]!;
    // The wasm kernel writes whole numbers, whatever on-value and data type it is asked for.
    const hard = cast(oneHot(labels, classes), 'float32');
    return softCrossEntropy(logits, add(mul(hard, 1 - smoothing), smoothing / classes));
  });
}

/**
 * Cross-entropy a row, `[N]`, of logits and target probabilities, both `[N, K]`; the probabilities of a row add up to 1.
 * The gradient reaches the logits only, and is correct under double backprop.
 */
export function softCrossEntropy(logits: Tensor, probabilities: Tensor): Tensor1D {
  const op = customGrad((z, p, save) => {
    (save as Save)([z as Tensor, p as Tensor]);
    return {
      value: neg(sum(mul(p as Tensor, logSoftmax(z as Tensor)), 1)),
      gradFunc: (dy: Tensor, [logit, target]: Tensor[]) => [
        mul(expandDims(dy, 1), balanced(sub(softmax(logit!), target!), target!)),
        zerosLike(target!),
      ],
    };
  });
  return tidy(() => op(logits, constant(probabilities)) as Tensor1D);
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

/**
 * The difference of two distributions adds up to zero in a row. Float32 rounds a probability near 1 by 6e-8, which is all
 * that is left of a confident row's gradient: what the row adds up to is taken off where the mass is.
 */
const balanced = (difference: Tensor, mass: Tensor): Tensor => sub(difference, mul(mass, sum(difference, 1, true)));

const logRatio = (p: Tensor, q: Tensor): Tensor => sub(logSoftmax(p), logSoftmax(q));

function divergenceGradient(dy: Tensor, p: Tensor, q: Tensor): Tensor[] {
  const weight = expandDims(dy, 1);
  const probabilities = softmax(p);
  const ratio = logRatio(p, q);
  const centered = sub(ratio, expandDims(sum(mul(probabilities, ratio), 1), 1));
  return [mul(weight, mul(probabilities, centered)), mul(weight, balanced(sub(softmax(q), probabilities), probabilities))];
}

/** The same values, from which no gradient of any order flows back. */
const constant = (x: Tensor): Tensor =>
  customGrad((value) => ({ value: clone(value as Tensor), gradFunc: (dy: Tensor) => zerosLike(dy) }))(x);
