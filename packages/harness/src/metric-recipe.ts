import type { AttackRecipe, BaseRecipe, DataRecipe, Options, TrainingRecipe } from './recipe.ts';

/** Data cut by class: no class is in two parts. */
export interface MetricDataRecipe extends DataRecipe {
  /** How many classes each part has; which ones is a draw that everyone shares, whatever the seed. */
  classes: { train: number; validation: number; test: number };
  /** Test examples to use; default: all. */
  test?: number | undefined;
}

/** What is minimized over the embeddings of a batch. */
export interface LossRecipe {
  /** Name, such as `multi-similarity`. */
  id: string;
  /** Whose defaults: PyTorch Metric Learning's, Roth et al.'s, or those of MDProp's released code. */
  preset: 'pml' | 'roth' | 'mdprop';
  /** Chooses triplets on detached embeddings; absent: all that the batch has. */
  miner?: { id: string; options: Options } | undefined;
  /** Learning rate of what the loss trains itself, as a factor on the network's. */
  rateFactor: number;
}

/** Training with batches of classes. */
export interface MetricTrainingRecipe extends TrainingRecipe {
  /** Examples of each class drawn for a batch. */
  perClass: number;
  /** Weights that are deployed: those of the last epoch, or of the one with the best Recall@1 on validation classes. */
  keep: 'last' | 'best';
}

/** How an embedding is evaluated. */
export interface RetrievalRecipe {
  norm: 'Linf' | 'L2' | 'L1';
  eps: (number | string)[];
  attacks: AttackRecipe[];
  /** Test examples that are attacked as queries; default: all. */
  queries?: number | undefined;
  batchSize: number;
}

/** A run of the track `metric-learning` as data. */
export interface MetricRecipe extends BaseRecipe {
  track: 'metric-learning';
  data: MetricDataRecipe;
  /** The network's head gives so many numbers, which are scaled to length 1. */
  embedding: { dimensions: number };
  loss: LossRecipe;
  training: MetricTrainingRecipe;
  evaluation: RetrievalRecipe;
}
