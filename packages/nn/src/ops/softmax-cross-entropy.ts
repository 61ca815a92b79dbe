import {
  add, cast, clone, customGrad, expandDims, logSoftmax, mul, neg, oneHot, softmax, sub, sum, type Tensor, type Tensor1D, tidy, zerosLike,
} from '@tensorflow/tfjs-core';
import { hasKernel, runKernel } from './fused.ts';

// tf.losses.softmaxCrossEntropy saves its softmax for the gradient and so loses the link to the logits: under double
// backprop it is silently wrong. The gradients here start from saved logits. They use nothing but what they save: a
// tensor that a closure holds is disposed with the scope it was made in, before the gradient runs.

/**
 * Cross-entropy a row of logits `[N, K]` and class indices `[N]` int32. Kernel: `SoftmaxCrossEntropy`. Its gradient is correct
 * under double backprop.
 */
export function hardCrossEntropy(logits: Tensor, labels: Tensor, smoothing: number): Tensor1D {
  const known = labels.dtype === 'int32' && labels.shape.join() === logits.shape.slice(0, -1).join();
  if (known && isFor(logits)) return fused(logits, labels, smoothing);
  return tidy(() => {
    const classes = logits.shape[1]!;
    // The wasm kernel writes whole numbers, whatever on-value and data type it is asked for.
    const hard = cast(oneHot(labels, classes), 'float32');
    return composed(logits, add(mul(hard, 1 - smoothing), smoothing / classes));
  });
}

/** The same for target probabilities `[N, K]`, which no gradient reaches. */
export function probabilityCrossEntropy(logits: Tensor, probabilities: Tensor): Tensor1D {
  const known = probabilities.dtype === 'float32' && probabilities.shape.join() === logits.shape.join();
  return known && isFor(logits) ? fused(logits, probabilities, 0) : composed(logits, probabilities);
}

const isFor = (logits: Tensor): boolean => logits.rank === 2 && logits.shape[1]! > 0 && logits.dtype === 'float32' && hasKernel('SoftmaxCrossEntropy');

const fused = (logits: Tensor, target: Tensor, smoothing: number): Tensor1D =>
  runKernel('SoftmaxCrossEntropy', { logits, target }, { smoothing })[0] as Tensor1D;

function composed(logits: Tensor, probabilities: Tensor): Tensor1D {
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

type Save = (tensors: Tensor[]) => void;

/**
 * The difference of two distributions adds up to zero in a row. Float32 rounds a probability near 1 by 6e-8, which is all
 * that is left of a confident row's gradient: what the row adds up to is taken off where the mass is.
 */
export const balanced = (difference: Tensor, mass: Tensor): Tensor => sub(difference, mul(mass, sum(difference, 1, true)));

/** The same values, from which no gradient of any order flows back. */
const constant = (x: Tensor): Tensor =>
  customGrad((value) => ({ value: clone(value as Tensor), gradFunc: (dy: Tensor) => zerosLike(dy) }))(x);
