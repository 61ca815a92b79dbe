import type { Tensor, Tensor1D } from '@tensorflow/tfjs-core';
import type { Bounds } from './model.ts';
import type { RandomStream } from './random.ts';

/**
 * What an attacker may do to an input: a set of allowed perturbations, and how to move in it. All methods take and
 * return whole batches; `clean` and `inputs` have the same shape, and rows do not touch each other.
 */
export interface ThreatModel {
  /** The distance's name as the field writes it: `Linf`, `L2`, `L1`, `box`. */
  readonly norm: string;
  /** Largest distance allowed, in the units of the model's bounds. */
  readonly eps: number;
  /** Allowed inputs near the given ones: onto the ball, then into the box; both hold, since the box holds `clean`. */
  project(inputs: Tensor, clean: Tensor, bounds: Bounds): Tensor;
  /** A random allowed input a row; a row depends on its id alone. */
  randomStart(clean: Tensor, ids: ArrayLike<number>, random: RandomStream, bounds: Bounds): Tensor;
  /** The direction of unit length in which a linear function with this gradient grows fastest. Zero gradient: zero. */
  steepest(gradient: Tensor, inputs: Tensor, bounds: Bounds): Tensor;
  /** The kernel that takes a step by these two in one pass, where a runtime has it; one that replaces either is taken at its word. */
  readonly fused?: { readonly kernelName: string } & Pick<ThreatModel, 'project' | 'steepest'>;
  /** Distance a row, `[N]`. */
  distance(inputs: Tensor, clean: Tensor): Tensor1D;
}
