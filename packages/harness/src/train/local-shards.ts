import type { Batch } from '@robustjs/core';
import { dispose } from '@tensorflow/tfjs-core';
import type { Gradient } from './gradient.ts';
import { cutRows, rowsOf, type ShardContext, shardOf } from './shard.ts';

/** The shards of one step. */
export interface StepShards {
  /** Makes the objectives, adversarial rows included. */
  prepare(): Promise<void>;
  /** The gradients of the shards, in order; whoever asks owns them. */
  gradients(): Gradient[];
  /** Gradients taken by attacks so far, row by row. */
  attackCalls(): number;
  /** Releases the objectives. */
  dispose(): void;
}

/** Where the shards of a training run. */
export type Shards = (batch: Batch, step: number) => StepShards;

/** Shards one after another in this thread, on the network in training itself. */
export function localShards(context: ShardContext, count: number, signal: AbortSignal | undefined): Shards {
  return (batch, step) => {
    const batches = count === 1 ? [batch] : cutRows(batch.ids.length, count).map((rows) => rowsOf(batch, rows.start, rows.count));
    const shards = batches.map((part) => shardOf(context, part, step, signal));
    return {
      async prepare() {
        for (const shard of shards) await shard.prepare();
      },
      gradients: () => shards.map((shard) => shard.gradient()),
      attackCalls: () => shards.reduce((sum, shard) => sum + shard.attackCalls(), 0),
      dispose() {
        for (const shard of shards) shard.dispose();
        for (const { inputs, labels } of batches) if (inputs !== batch.inputs) dispose([inputs, labels]);
      },
    };
  };
}
