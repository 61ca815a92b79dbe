import type { Batch, NamedVariable, Runtime } from '@robustjs/core';
import { scalar, tensor } from '@tensorflow/tfjs-core';
import { builtFile } from '../replicas/built.ts';
import { startReplicas } from '../replicas/index.ts';
import type { Gradient } from './gradient.ts';
import type { Shards } from './local-shards.ts';
import { cutRows } from './shard.ts';
import type { ShardJob, ShardMemory, ShardResult, ShardSetup } from './shard-job.ts';
import { partsOf, sharedWords, sizeOf, store } from './shared-memory.ts';

/** What {@link threadedShards} needs. */
export interface ThreadedShardsOptions extends Omit<ShardSetup, 'memory' | 'variant'> {
  readonly runtime: Runtime;
  readonly workers: number;
  /** Moved by the trainer between steps. */
  readonly parameters: readonly NamedVariable[];
  readonly buffers: readonly NamedVariable[];
  readonly signal: AbortSignal | undefined;
  /** Told of each thread that died. */
  readonly onLost: (cause: Error) => void;
}

/** Shards in threads of their own. */
export interface ThreadedShards {
  readonly shards: Shards;
  /** Ends the threads. */
  close(): Promise<void>;
}

/**
 * Starts threads that take the gradients of a run's shards; whichever is free takes the next. Each works on the weights of
 * the beginning of the step, and the results come back in the order of the shards, so the bits are those of one thread.
 */
export async function threadedShards({ runtime, workers, parameters, buffers, signal, onLost, ...setup }: ThreadedShardsOptions): Promise<ThreadedShards> {
  const memory = shardMemory(setup, parameters, buffers);
  const replicas = await startReplicas<ShardSetup, ShardJob, ShardResult>({
    count: workers,
    module: builtFile('train/shard-work.js'),
    setup: { ...setup, variant: runtime.variant, memory },
    onLost,
    ...(signal && { signal }),
  });
  const variables = [...parameters, ...buffers];
  const weights = partsOf(memory.weights, variables);
  const shards: Shards = (batch, step) => {
    const parts = cutRows(batch.ids.length, setup.recipe.training.shards);
    let results: readonly ShardResult[] = [];
    return {
      async prepare() {
        await Promise.all([store(variables.map(({ variable }) => variable), weights), storeBatch(batch, memory)]);
        results = await Promise.all(parts.map((rows, shard) => replicas.run({ step, shard, ...rows })));
      },
      gradients: () => results.map((result, shard) => gradientFrom(result, parts[shard]!.count, { parameters, buffers }, partsOf(memory.gradients, parameters, shard * sizeOf(parameters)))),
      attackCalls: () => results.reduce((sum, { attackCalls }) => sum + attackCalls, 0),
      dispose() {},
    };
  };
  return { shards, close: () => replicas.close() };
}

function shardMemory({ recipe, shape }: Pick<ShardSetup, 'recipe' | 'shape'>, parameters: readonly NamedVariable[], buffers: readonly NamedVariable[]): ShardMemory {
  const { batchSize, shards } = recipe.training;
  const row = shape.inputShape.reduce((product, size) => product * size, 1);
  return {
    weights: sharedWords(sizeOf([...parameters, ...buffers])),
    gradients: sharedWords(shards * sizeOf(parameters)),
    inputs: sharedWords(batchSize * row),
    labels: sharedWords(batchSize),
    ids: sharedWords(batchSize),
  };
}

async function storeBatch({ inputs, labels, ids }: Batch, memory: ShardMemory): Promise<void> {
  new Int32Array(memory.ids).set(ids);
  new Float32Array(memory.inputs).set(await inputs.data());
  new Int32Array(memory.labels).set(await labels.data());
}

/** A shard's gradient as tensors here, with the trainer's own running statistics in its updates. */
function gradientFrom(
  { loss, present, terms, updates }: ShardResult,
  rows: number,
  { parameters, buffers }: Pick<ThreadedShardsOptions, 'parameters' | 'buffers'>,
  values: readonly Float32Array[],
): Gradient {
  return {
    rows,
    loss: scalar(loss),
    parameters: parameters.map(({ variable }, i) => (present[i] === true ? tensor(values[i]!, variable.shape) : undefined)),
    terms: new Map(terms.map(([name, value, dtype]) => [name, scalar(value, dtype)])),
    updates: updates.map(({ buffer, shape, values: seen, decay }) => ({ buffer: buffers[buffer]!.variable, value: tensor(seen, [...shape]), decay })),
  };
}
