import { type Batch, commitUpdates, RobustError } from '@robustjs/core';
import { dispose, mul, type Tensor } from '@tensorflow/tfjs-core';
import type { TrainingRecipe } from '../recipe.ts';
import { snapshot, type WeightAverage } from './average.ts';
import { disposeGradient, type Gradient, type GradientFigures, meanGradient, readFigures } from './gradient.ts';
import type { Optimizer } from './optimizer.ts';
import { scheduleFactor } from './schedule.ts';
import type { Shards } from './local-shards.ts';
import { type ShardContext, shardOf } from './shard.ts';

/** What stays the same from step to step. */
export interface StepContext extends ShardContext {
  readonly recipe: TrainingRecipe;
  readonly optimizer: Optimizer;
  readonly average: WeightAverage;
  /** Where the gradients of a batch's shards are taken. */
  readonly shards: Shards;
}

/** What a step tells. */
export interface StepResult extends GradientFigures {
  readonly learningRate: number;
  /** Gradients taken, example by example: by attacks, and one for the step itself. */
  readonly gradientCalls: number;
}

/**
 * One training step: objectives, gradient, optimizer, running statistics, average. Disposes the batch. When it throws,
 * the state of training is as it was before.
 *
 * @throws RobustError `RJS_DIVERGED` when loss or gradient is not finite, `RJS_ABORTED`, and what a defense throws.
 */
export async function trainingStep(context: StepContext, batch: Batch, step: number): Promise<StepResult> {
  const { defense, model, average, recipe } = context;
  const learningRate = recipe.learningRate * scheduleFactor(recipe.schedule, step, context.steps);
  const shards = context.shards(batch, step);
  // The hooks' attacks are not stopped from outside: between hooks, weights are not those of any step.
  const hooks = shardOf(context, batch, step, undefined);
  const undo = defense.before || defense.after ? snapshot([...context.parameters, ...model.buffers, ...context.optimizer.slots]) : undefined;
  let gradient: Gradient | undefined;
  try {
    await shards.prepare();
    await defense.before?.(model, batch, hooks.tools);
    gradient = meanGradient(shards.gradients());
    const figures = await readFigures(gradient);
    checkFinite(figures, step, learningRate);
    optimize(context, gradient, figures.length, learningRate, step);
    await defense.after?.(model, batch, hooks.tools);
    commitUpdates([...gradient.updates, ...hooks.tools.updates]);
    average.update(step);
    return { ...figures, learningRate, gradientCalls: shards.attackCalls() + hooks.attackCalls() + batch.ids.length };
  } catch (error) {
    undo?.restore();
    throw error;
  } finally {
    undo?.release();
    if (gradient !== undefined) disposeGradient(gradient);
    for (const part of [shards, hooks]) part.dispose();
    dispose([batch.inputs, batch.labels]);
  }
}

/** The optimizer's step, along the gradient cut to the length allowed (Pascanu et al., ICML 2013, algorithm 1). */
function optimize({ optimizer, recipe }: StepContext, { parameters }: Gradient, length: number, learningRate: number, step: number): void {
  const { clipNorm = Infinity } = recipe;
  if (length <= clipNorm) return optimizer.apply(parameters, learningRate, step);
  const clipped = parameters.map((gradient) => (gradient === undefined ? undefined : mul<Tensor>(gradient, clipNorm / length)));
  optimizer.apply(clipped, learningRate, step);
  dispose(clipped.filter((gradient) => gradient !== undefined));
}

function checkFinite({ loss, length }: GradientFigures, step: number, learningRate: number): void {
  if (Number.isFinite(loss) && Number.isFinite(length)) return;
  throw new RobustError('RJS_DIVERGED', {
    expected: `a finite loss and gradient in training step ${step + 1}`,
    got: `loss ${loss} and a gradient of length ${length} at learning rate ${learningRate}`,
    fix: 'lower training.learningRate or set training.clipNorm; the weights before this step are in the checkpoint',
  });
}
