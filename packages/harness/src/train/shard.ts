import { type Batch, type Defense, MAIN, type Model, type NamedVariable, one, type RandomStream, runAttack, type TrainingAttack, type TrainingObjective, type TrainingTools, type Update } from '@robustjs/core';
import { dispose, type Rank, slice, type Tensor, type Tensor1D } from '@tensorflow/tfjs-core';
import { type Gradient, gradientOf } from './gradient.ts';
import { plainObjective } from './plain-objective.ts';

/** What the objectives of a training have in common. */
export interface ShardContext {
  /** The network in training; not what a method wraps around it. */
  readonly model: Model;
  readonly parameters: readonly NamedVariable[];
  readonly defense: Defense;
  /** The stream of training; each step has its own under it. */
  readonly random: RandomStream;
  readonly classes: number;
  /** What the track minimizes. */
  readonly loss: TrainingTools['loss'];
  /** Steps of the whole training. */
  readonly steps: number;
}

/** Contiguous rows of a batch whose gradient is taken apart from the others'. */
export interface Shard {
  readonly tools: TrainingTools;
  /** Makes the objective, adversarial rows included. */
  prepare(): Promise<void>;
  /** Differentiates the objective. */
  gradient(): Gradient;
  /** Gradients taken by attacks so far, row by row. */
  attackCalls(): number;
  /** Releases the objective and the statistics recorded. */
  dispose(): void;
}

/** Cuts rows into as many parts as asked for, as even as can be; a part without rows is left out. */
export function cutRows(rows: number, shards: number): { start: number; count: number }[] {
  const at = (shard: number): number => Math.floor((rows * shard) / shards);
  return Array.from({ length: shards }, (_, i) => ({ start: at(i), count: at(i + 1) - at(i) })).filter(({ count }) => count > 0);
}

/** These rows of a batch. The caller disposes `inputs` and `labels`. */
export function rowsOf({ inputs, labels, ids }: Batch, start: number, count: number): Batch {
  return {
    inputs: slice(inputs, [start, ...inputs.shape.slice(1).map(() => 0)], [count, ...inputs.shape.slice(1)]),
    labels: slice<Rank.R1, Tensor1D>(labels, start, count),
    ids: ids.subarray(start, start + count),
  };
}

/**
 * The tools of one step for a batch or a part of one, and its objective. Draws are keyed by example, so all parts share
 * the step's stream.
 */
export function shardOf({ model, defense, classes, ...context }: ShardContext, batch: Batch, step: number, signal: AbortSignal | undefined): Shard {
  const updates: Update[] = [];
  const random = context.random.split(step);
  const attacks = attacker({ model, batch, random, signal });
  const tools: TrainingTools = { random, progress: step / context.steps, classes, updates, loss: context.loss, attack: attacks.run };
  let objective: TrainingObjective | undefined;
  return {
    tools,
    async prepare() {
      objective = (await defense.objective?.(model, batch, tools)) ?? plainObjective(model, batch, tools, one(defense.deploys ?? MAIN));
    },
    gradient: () => gradientOf(objective!, context.parameters, batch.ids.length, updates),
    attackCalls: attacks.calls,
    dispose() {
      objective?.dispose?.();
      dispose(updates.map(({ value }) => value));
    },
  };
}

/** Attacks on one batch, in the order asked for; each has a stream of its own. */
function attacker(problem: { model: Model; batch: Batch; random: RandomStream; signal: AbortSignal | undefined }): {
  run: (options: TrainingAttack) => Promise<Tensor>;
  calls: () => number;
} {
  const { model, batch, random, signal } = problem;
  let attacks = 0;
  let calls = 0;
  return {
    calls: () => calls,
    async run({ attack, batch: rows = batch, ...options }) {
      const result = await runAttack(attack, {
        model,
        ...rows,
        ...options,
        random: random.split('attack', attacks++),
        keep: 'last',
        ...(signal && { signal }),
      });
      calls += result.gradientCalls.reduce((sum, count) => sum + count, 0);
      return result.adversarial;
    },
  };
}
