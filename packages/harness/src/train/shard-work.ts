// What each thread of a training does: builds the recipe's network, then takes the gradients of one shard after another.
import { type Batch, type NamedVariable, randomStream, RobustError, type Update } from '@robustjs/core';
import { tensor, type Tensor, tensor1d } from '@tensorflow/tfjs-core';
import type { ReplicaWork } from '../replicas/index.ts';
import { startRuntime } from '../run/runtime.ts';
import { disposeGradient, type Gradient } from './gradient.ts';
import { loadMethod } from './method.ts';
import { buildModel, variablesOf } from './model.ts';
import { meanCrossEntropy } from './plain-objective.ts';
import { type ShardContext, shardOf } from './shard.ts';
import type { ShardJob, ShardMemory, ShardResult, ShardSetup } from './shard-job.ts';
import { load, partsOf, sizeOf, store } from './shared-memory.ts';

/** Opens the work of one thread. */
export async function open({ recipe, from, variant, shape, steps, memory }: ShardSetup): Promise<ReplicaWork<ShardJob, ShardResult>> {
  await startRuntime(recipe.runtime, variant);
  const method = await loadMethod(recipe.method, from);
  const built = buildModel(recipe, shape, method);
  const { parameters, buffers } = variablesOf(built);
  const weights = partsOf(memory.weights, [...parameters, ...buffers]);
  const random = randomStream(recipe.seed).split('train');
  const context: ShardContext = { model: built.network, parameters, defense: method.defense, random, classes: shape.classes, loss: meanCrossEntropy, steps };
  let loaded: number | undefined;
  return {
    async run(job) {
      if (job.step !== loaded) load([...parameters, ...buffers], weights);
      loaded = job.step;
      return gradientOfShard(context, buffers, memory, shape.inputShape, job);
    },
    close() {
      built.network.dispose();
      built.model.dispose();
    },
  };
}

async function gradientOfShard(context: ShardContext, buffers: readonly NamedVariable[], memory: ShardMemory, inputShape: readonly number[], job: ShardJob): Promise<ShardResult> {
  const batch = batchOf(memory, inputShape, job);
  const shard = shardOf(context, batch, job.step, undefined);
  let gradient: Gradient | undefined;
  try {
    await shard.prepare();
    gradient = shard.gradient();
    const place = partsOf(memory.gradients, context.parameters, job.shard * sizeOf(context.parameters));
    await store(gradient.parameters, place);
    return await resultOf(gradient, buffers, shard.attackCalls());
  } finally {
    if (gradient !== undefined) disposeGradient(gradient);
    shard.dispose();
    batch.inputs.dispose();
    batch.labels.dispose();
  }
}

function batchOf(memory: ShardMemory, inputShape: readonly number[], { start, count }: ShardJob): Batch {
  const row = inputShape.reduce((product, size) => product * size, 1);
  return {
    inputs: tensor(new Float32Array(memory.inputs).subarray(start * row, (start + count) * row), [count, ...inputShape]),
    labels: tensor1d(new Int32Array(memory.labels).subarray(start, start + count), 'int32'),
    ids: new Int32Array(memory.ids).subarray(start, start + count),
  };
}

async function resultOf({ loss, parameters, terms, updates }: Gradient, buffers: readonly NamedVariable[], attackCalls: number): Promise<ShardResult> {
  const one = async (value: Tensor): Promise<number> => (await value.data())[0]!;
  return {
    loss: await one(loss),
    present: parameters.map((gradient) => gradient !== undefined),
    terms: await Promise.all([...terms].map(async ([name, value]) => [name, await one(value), value.dtype] as const)),
    updates: await Promise.all(updates.map(async ({ buffer, value, decay }) => ({ buffer: placeOf(buffer, buffers), shape: value.shape, values: Float32Array.from(await value.data()), decay }))),
    attackCalls,
  };
}

function placeOf(buffer: Update['buffer'], buffers: readonly NamedVariable[]): number {
  const place = buffers.findIndex(({ variable }) => variable === buffer);
  if (place >= 0) return place;
  throw new RobustError('RJS_METHOD', { expected: "a method to move running statistics of its network only", got: 'others, which threads do not share', fix: 'train with one worker' });
}
