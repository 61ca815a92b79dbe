import type { Seen } from '@robustjs/core';
import { cast, greaterEqual, logicalAnd, mul, relu, sub, type Tensor1D } from '@tensorflow/tfjs-core';

/** The hinge `constant * max(0, confidence - margin)` at some inputs, `[N]`. */
export interface Hinge {
  /** Adversarial, with the margin asked for. */
  readonly confident: Tensor1D;
  readonly loss: Tensor1D;
  /** What the gradient of the margin counts in the gradient of the hinge, its sign aside. */
  readonly weight: Tensor1D;
}

/** The hinge of what was seen, with the margin as objective: zero where an input is {@link Hinge.confident}. */
export function hingeOf({ values, adversarial }: Pick<Seen, 'values' | 'adversarial'>, constant: Tensor1D, confidence: number): Hinge {
  const confident = confidence === 0 ? adversarial : logicalAnd<Tensor1D>(adversarial, greaterEqual(values, confidence));
  return {
    confident,
    loss: mul(constant, relu(sub(confidence, values))),
    weight: mul(constant, sub(1, cast(confident, 'float32'))),
  };
}
