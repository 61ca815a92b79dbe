import type { TrainingRecipe } from '../recipe.ts';
import type { LoadedMethod } from './method.ts';

/** How many threads a training runs in, and why not in as many as asked for. */
export interface TrainingWorkers {
  readonly count: number;
  readonly reason?: string;
}

/**
 * Threads for the shards of a training: never more than there are shards. Hooks around the optimizer's step share the
 * weights, and perhaps more, with the objectives before and after them, so their methods stay in one thread.
 */
export function trainingWorkers(asked: number, { shards }: TrainingRecipe, { id, defense, from }: LoadedMethod): TrainingWorkers {
  if (asked <= 1) return { count: 1 };
  if (shards === 1) return { count: 1, reason: 'the recipe takes the gradient of a batch in one shard' };
  if (defense.before !== undefined || defense.after !== undefined) return { count: 1, reason: `${id} changes weights around the optimizer's step` };
  if (from === undefined) return { count: 1, reason: `${id} was not loaded by the name of its package` };
  return { count: Math.min(asked, shards) };
}
