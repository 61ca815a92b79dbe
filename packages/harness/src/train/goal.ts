import { type Batch, type Model, type NamedVariable, randomStream, type Route, type TrainingObjective, type TrainingTools } from '@robustjs/core';
import { batchCount, type Dataset, shuffledBatches } from '@robustjs/datasets';
import type { ClassificationRecipe, Recipe } from '../recipe.ts';
import { accuracyOn } from './accuracy.ts';
import { embeddingGoal } from './embedding-goal.ts';
import type { DataShape } from './model.ts';
import { meanCrossEntropy, plainObjective } from './plain-objective.ts';

/** Which batches of an epoch are wanted. */
export interface EpochPlace {
  readonly epoch: number;
  /** Batches of the epoch that were seen. */
  readonly start: number;
  readonly signal?: AbortSignal;
}

/** What a track trains towards: everything of a training that the track decides, not the method. */
export interface Goal {
  /** What methods minimize. */
  readonly loss: TrainingTools['loss'];
  /** What the loss trains beside the network. */
  readonly parameters: readonly NamedVariable[];
  /** Learning rate of these, as a factor on the network's. */
  readonly rateFactor: number;
  /** What a step minimizes where a method says nothing. */
  plain(model: Model, batch: Batch, tools: TrainingTools, route: Route): TrainingObjective | Promise<TrainingObjective>;
  stepsPerEpoch(train: Dataset): number;
  /** The batches of an epoch from a place on; any of them can be had again. */
  batches(train: Dataset, place: EpochPlace): AsyncIterable<Batch>;
  /** How well it does on validation examples, in [0, 1]; the larger the better. */
  validate(model: Model, route: Route, validation: Dataset): Promise<number>;
  /** Releases the parameters. */
  dispose(): void;
}

/**
 * The goal of a recipe's track. The loss's own parameters follow from the recipe's seed.
 *
 * @throws RobustError `RJS_LOSS` for a loss or miner that is not known, or does not go with the method.
 */
export const goalOf = (recipe: Recipe, shape: DataShape, hasOwnObjective: boolean): Goal =>
  recipe.track === 'metric-learning' ? embeddingGoal(recipe, shape, randomStream(recipe.seed).split('init', 'loss'), hasOwnObjective) : classificationGoal(recipe);

function classificationGoal({ training, seed }: ClassificationRecipe): Goal {
  return {
    loss: meanCrossEntropy,
    parameters: [],
    rateFactor: 1,
    plain: plainObjective,
    stepsPerEpoch: (train) => batchCount(train.size, training),
    batches: (train, place) => shuffledBatches(train, { batchSize: training.batchSize, seed, ...place }),
    validate: accuracyOn,
    dispose: () => {},
  };
}
