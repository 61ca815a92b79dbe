import type { Model, Route } from '@robustjs/core';
import type { Dataset } from '@robustjs/datasets';
import type { Network } from '@robustjs/nn';
import type { Recipe } from '../recipe.ts';
import type { LoadedMethod } from './method.ts';

/** How training stood at the end of an epoch; losses are means over the examples of that epoch. */
export interface CurvePoint {
  /** Steps done since the start of training. */
  readonly step: number;
  /** Epochs done. */
  readonly epoch: number;
  /** Learning rate of the last step. */
  readonly learningRate: number;
  readonly loss: number;
  /** Parts of the loss that the method logged, by name. Plain training logs `accuracy`, as a fraction. */
  readonly terms: Readonly<Record<string, number>>;
  /** Accuracy of what would be deployed now, as a fraction of the validation examples. */
  readonly validation?: { readonly clean: number; readonly robust?: number };
}

/** Told after every training step. */
export interface TrainingProgress {
  readonly kind: 'train';
  /** Steps done, of `steps` in all. */
  readonly step: number;
  readonly steps: number;
  /** Training examples seen, repetitions counted. */
  readonly examples: number;
  /** Loss of the last step. */
  readonly loss: number;
}

/** What {@link train} needs. A runtime must have been started. */
export interface TrainOptions {
  readonly recipe: Recipe;
  /** Training examples, and those on which accuracy is measured at the end of each epoch. */
  readonly data: { readonly train: Dataset; readonly validation?: Dataset };
  readonly method: LoadedMethod;
  /** Folder of the checkpoint, made if need be. A run found there goes on. Absent: nothing is stored. */
  readonly checkpointDir?: string;
  /** A checkpoint is written each time so many steps are done, and at the end. Default 200. */
  readonly checkpointEverySteps?: number;
  /** Stops between steps, after a checkpoint. */
  readonly signal?: AbortSignal;
  /**
   * Threads that share the gradient shards of a step; never more than the recipe has shards. One where a method's hooks change
   * weights around the optimizer's step. The bits do not depend on it. Default 1: this thread.
   */
  readonly workers?: number;
  /** Told how many threads train, and of each that died. */
  readonly onNote?: (note: string) => void;
  /** Called after every step and validation. */
  readonly onProgress?: (progress: TrainingProgress) => void;
}

/** A trained network. The caller disposes `network`, and `model` too where a method wraps it. */
export interface Trained {
  readonly network: Network;
  /** What is deployed: the network, wrapped where the method says so. */
  readonly model: Model;
  /** The branch that is deployed. */
  readonly deployedRoute: Route;
  /** One point an epoch. */
  readonly curves: readonly CurvePoint[];
  readonly steps: number;
  /** Gradients taken, example by example: one for each step of each attack, and one for each training step. */
  readonly gradientCalls: number;
  /** SHA-256 of the weights deployed, as `encodeWeights(model)` writes them without metadata. */
  readonly weightsSha256: string;
  /** Time that this call took; it belongs into no record. */
  readonly seconds: number;
}
