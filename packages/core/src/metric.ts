import type { Tensor } from '@tensorflow/tfjs-core';

/** A measure over a data set that comes in batches. The state is a value: nothing is held in the metric. */
export interface Metric<State> {
  /** Name in records and tables, such as `accuracy`. */
  readonly id: string;
  /** Unit of the value; `'fraction'` is shown in percent. */
  readonly unit: string;
  /** Whether a larger value is better. */
  readonly higherIsBetter: boolean;
  /** The state before any batch. */
  init(): State;
  /** The state after one more batch; it reads tensors but does not dispose them. */
  update(state: State, outputs: Tensor, targets: Tensor): Promise<State>;
  /** The value for everything seen so far; never an average of averages. */
  value(state: State): number;
}
