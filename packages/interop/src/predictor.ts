import type { Tensor } from '@tensorflow/tfjs-core';

/** What the ways of opening a model have in common; its preprocessing is not in it yet. */
export interface Predictor {
  /** What it was opened as: `tf.LayersModel`, `tf.GraphModel` or `function`. */
  readonly architecture: string;
  /** Whether a softmax at its end was left out. */
  readonly softmaxRemoved: boolean;
  /** Shape of one input, sizes that it leaves open as null; absent where it does not say. */
  readonly inputShape?: readonly (number | null)[];
  /** Its weights by name. */
  readonly weights: ReadonlyMap<string, Tensor>;
  /** Outputs of a batch, in evaluation mode. */
  predict(inputs: Tensor): Tensor;
  /** Releases the weights. */
  dispose(): void;
}
