import { type Batch, type Model, type RandomStream, randomStream, type Route, throwIfAborted, type TrainingObjective, type TrainingTools } from '@robustjs/core';
import { type Dataset, readBatch } from '@robustjs/datasets';
import { type EmbeddingLoss, type Miner, perClassBatch, type Triplets } from '@robustjs/metric-learning';
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { MetricRecipe } from '../metric-recipe.ts';
import type { EpochPlace, Goal } from './goal.ts';
import { badLoss, lossNamed, minerNamed } from './losses.ts';
import type { DataShape } from './model.ts';
import { recallOn } from './recall.ts';

/**
 * Embeddings whose nearest neighbours are of their class. A miner's triplets are chosen on embeddings of the step's own pass, made once more
 * without a tape; where a method compares rows of its own making, the loss takes all pairs or triplets that they have.
 *
 * @param random what the loss's own parameters start from.
 * @param hasOwnObjective the method makes its own objective, which a miner cannot see.
 */
export function embeddingGoal({ embedding, loss: recipe, training, seed }: MetricRecipe, { classes }: DataShape, random: RandomStream, hasOwnObjective: boolean): Goal {
  const loss = lossNamed(recipe);
  const miner = minerNamed(recipe);
  if (miner !== undefined && hasOwnObjective) {
    throw badLoss('no miner with a method that compares rows of its own making', recipe.miner!.id);
  }
  const parameters = loss.parameters?.({ classes, dimensions: embedding.dimensions }, random) ?? [];
  const trained = parameters.map(({ variable }) => variable);
  const compute = (embeddings: Tensor, labels: Tensor1D, triplets?: Triplets): ReturnType<EmbeddingLoss['compute']> =>
    loss.compute({ embeddings: embeddings as Tensor2D, labels, parameters: trained, ...(triplets && { triplets }) });
  return {
    loss: (embeddings, labels) => compute(embeddings, labels),
    parameters,
    rateFactor: recipe.rateFactor,
    async plain(model, batch, tools, route) {
      const triplets = miner && (await mine(miner, model, batch, tools, route));
      return {
        loss: () => compute(model.forward(batch.inputs, { train: true, route, updates: tools.updates }), batch.labels, triplets),
      } satisfies TrainingObjective;
    },
    stepsPerEpoch: ({ size }) => Math.max(1, Math.floor(size / training.batchSize)),
    batches: (train, place) => classBatches(train, training, seed, place),
    validate: recallOn,
    dispose: () => parameters.forEach(({ variable }) => variable.dispose()),
  };
}

async function mine(miner: Miner, model: Model, { inputs, labels }: Batch, { random }: TrainingTools, route: Route): Promise<Triplets> {
  // Batch statistics as under the tape, and no sink: this pass moves nothing.
  const embeddings = model.forward(inputs, { train: true, route });
  try {
    const [values, classes] = await Promise.all([embeddings.data(), labels.data()]);
    return miner({ embeddings: Float32Array.from(values), dimensions: embeddings.shape[1]!, labels: Int32Array.from(classes), random: random.split('miner') });
  } finally {
    embeddings.dispose();
  }
}

/** Batches of random classes; each is keyed by seed, epoch and place, so that a run can go on anywhere. */
async function* classBatches(train: Dataset, { batchSize, perClass }: MetricRecipe['training'], seed: number, { epoch, start, signal }: EpochPlace): AsyncGenerator<Batch, void, undefined> {
  const steps = Math.max(1, Math.floor(train.size / batchSize));
  for (let place = start; place < steps; place++) {
    throwIfAborted(signal);
    yield await readBatch(train, perClassBatch(train.labels, { batchSize, perClass }, randomStream(seed).split('classes', epoch, place)));
  }
}
