import { type Tensor, tidy } from '@tensorflow/tfjs-core';
import type { NamedVariable } from './kit.ts';
import type { Pass } from './pass.ts';
import { type Branch, MAIN } from './route.ts';

/** Smallest and largest value an input may hold; `eps` is in these units. */
export type Bounds = readonly [low: number, high: number];

/**
 * A differentiable function from inputs to outputs that declares what inputs it takes. Normalization of inputs is part
 * of it, never a step before it. What the outputs mean (logits, an embedding, a hash code) is the loss's business.
 */
export interface Model {
  /** Shape of one input, without the batch axis; channels last. */
  readonly inputShape: readonly number[];
  /** Bounds of every input value. */
  readonly bounds: Bounds;
  /** Normalization branches it has; at least one. */
  readonly branches: readonly Branch[];
  /** What an optimizer trains; empty for a model that only predicts. */
  readonly parameters: readonly NamedVariable[];
  /** Running statistics. */
  readonly buffers: readonly NamedVariable[];
  /** False: it only predicts, and attacks that follow gradients refuse it. Default true. */
  readonly differentiable?: boolean;
  /** Outputs `[N, D]` for inputs `[N, ...inputShape]`. */
  forward(inputs: Tensor, pass: Pass): Tensor;
  /** Releases parameters and buffers. */
  dispose(): void;
}

/** What {@link modelOf} needs to know of a function. */
export interface ModelOptions {
  /** Shape of one input, without the batch axis. */
  readonly inputShape: readonly number[];
  /** Default [0, 1]. */
  readonly bounds?: Bounds;
  /** False for a function that TF.js cannot differentiate. Default true. */
  readonly differentiable?: boolean;
}

/**
 * Makes a model of any function, such as `(x) => layersModel.predict(x)`.
 * The function keeps ownership of whatever it closes over; what it makes on the way to its output is disposed.
 *
 * @param predict logits `[N, K]` for inputs `[N, ...inputShape]`, in evaluation mode.
 */
export function modelOf(predict: (inputs: Tensor) => Tensor, options: ModelOptions): Model {
  return {
    inputShape: options.inputShape,
    bounds: options.bounds ?? [0, 1],
    branches: [MAIN],
    parameters: [],
    buffers: [],
    differentiable: options.differentiable ?? true,
    forward: (inputs) => tidy(() => predict(inputs)),
    dispose: () => {},
  };
}
