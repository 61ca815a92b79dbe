import { getGradient, type GradConfig, registerGradient, type Tensor, unregisterGradient } from '@tensorflow/tfjs-core';
import { refused } from './errors.ts';

/** Operations of one input `x` that keep its shape and whose steps follow it, so that the identity stands for their slope. */
export const STRAIGHT_THROUGH: readonly string[] = ['Ceil', 'Floor', 'Round', 'Sign', 'Step'];

/**
 * Runs a forward pass in which the gradients of these operations are the identity: the backward pass differentiable approximation
 * (Athalye, Carlini and Wagner, ICML 2018, section 4.1) with g(x) = x. TF.js looks a gradient up when an operation runs, so the
 * registry is as before when this returns.
 */
export function straightThrough<T>(operations: readonly string[], work: () => T): T {
  const before = operations.map((kernelName) => [kernelName, getGradient(kernelName) as GradConfig | undefined] as const);
  for (const [kernelName, gradient] of before) {
    if (gradient !== undefined) unregisterGradient(kernelName);
    registerGradient({ kernelName, gradFunc: (dy) => ({ x: () => dy as Tensor }) });
  }
  try {
    return work();
  } finally {
    for (const [kernelName, gradient] of before) {
      unregisterGradient(kernelName);
      if (gradient !== undefined) registerGradient(gradient);
    }
  }
}

/**
 * Checks that operations can be passed straight through.
 *
 * @throws RobustError `RJS_MODEL_GRADIENT` naming one that cannot.
 */
export function checkStraightThrough(operations: readonly string[]): void {
  const impossible = operations.find((name) => !STRAIGHT_THROUGH.includes(name));
  if (impossible === undefined) return;
  throw refused('GRADIENT', `operations among ${STRAIGHT_THROUGH.join(', ')} to pass straight through`, impossible, 'attack by queries, such as with square, or write a module that exports a differentiable stand-in');
}
