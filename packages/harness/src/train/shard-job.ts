import type { DataType } from '@tensorflow/tfjs-core';
import type { Recipe } from '../recipe.ts';
import type { DataShape } from './model.ts';

/** What a thread needs to take gradients of a run's shards. */
export interface ShardSetup {
  readonly recipe: Recipe;
  /** Folder that the method's package is looked for in first. */
  readonly from: string;
  /** Kernel variant of the runtime. */
  readonly variant: string;
  readonly shape: DataShape;
  /** Steps of the whole training. */
  readonly steps: number;
  readonly memory: ShardMemory;
}

/** What threads share. Nobody writes a part that another may read: the trainer writes between steps, a shard into its own place. */
export interface ShardMemory {
  /** Parameters and running statistics at the beginning of the step. */
  readonly weights: SharedArrayBuffer;
  /** By shard: the gradients of all parameters. */
  readonly gradients: SharedArrayBuffer;
  /** The batch: inputs as float32, labels and ids as int32. */
  readonly inputs: SharedArrayBuffer;
  readonly labels: SharedArrayBuffer;
  readonly ids: SharedArrayBuffer;
}

/** One shard of one step. */
export interface ShardJob {
  readonly step: number;
  /** Place of its gradients. */
  readonly shard: number;
  /** Its rows of the batch. */
  readonly start: number;
  readonly count: number;
}

/** What a shard came to, besides the gradients in shared memory. */
export interface ShardResult {
  readonly loss: number;
  /** By parameter: whether the loss depends on it. */
  readonly present: readonly boolean[];
  readonly terms: readonly (readonly [name: string, value: number, dtype: DataType])[];
  /** Statistics that training passes saw, in order; `buffer` is a place in the list of running statistics. */
  readonly updates: readonly { readonly buffer: number; readonly shape: readonly number[]; readonly values: Float32Array; readonly decay: number }[];
  /** Gradients taken by attacks, row by row. */
  readonly attackCalls: number;
}
