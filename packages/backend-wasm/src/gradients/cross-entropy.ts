import {
  add, cast, engine, equal, expandDims, type GradConfig, mul, range, registerGradient, softmax, sub, sum, type Tensor, zerosLike,
} from '@tensorflow/tfjs-core';

/** Gradients of the kernels in native/cross-entropy.ts, of both orders. None reaches the target. */
export function registerCrossEntropyGradients(): void {
  registerGradient(first);
  registerGradient(second);
}

const first: GradConfig = {
  kernelName: 'SoftmaxCrossEntropy',
  inputsToSave: ['logits', 'target'],
  gradFunc: (dy, saved, attrs) => {
    const [logits, target] = saved as [Tensor, Tensor];
    return {
      logits: (): Tensor => engine().runKernel('SoftmaxCrossEntropyGrad', { dy: dy as Tensor, logits, target }, attrs),
      target: (): Tensor => zerosLike(target),
    };
  },
};

/** The gradient is dy (p - t), p = softmax(z); for an output gradient a, dy has a (p - t) and z has dy (p a - p sum(p a)). */
const second: GradConfig = {
  kernelName: 'SoftmaxCrossEntropyGrad',
  inputsToSave: ['dy', 'logits', 'target'],
  gradFunc: (ddz, saved, attrs) => {
    const [dy, logits, target] = saved as [Tensor, Tensor, Tensor];
    const a = ddz as Tensor;
    return {
      dy: (): Tensor => sum(mul(a, sub(softmax(logits), probabilities(target, logits.shape[1]!, attrs['smoothing'] as number))), 1),
      logits: (): Tensor => {
        const p = softmax(logits);
        const weighted = mul(p, a);
        return mul(expandDims(dy, 1), sub(weighted, mul(p, sum(weighted, 1, true))));
      },
      target: (): Tensor => zerosLike(target),
    };
  },
};

function probabilities(target: Tensor, classes: number, smoothing: number): Tensor {
  if (target.dtype !== 'int32') return target;
  const hard = cast(equal(expandDims(target, 1), range(0, classes, 1, 'int32')), 'float32');
  return add(mul(hard, 1 - smoothing), smoothing / classes);
}
