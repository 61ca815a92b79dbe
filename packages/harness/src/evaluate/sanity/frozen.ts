import type { ThreatModel } from '@robustjs/core';
import { gather, tensor1d, type Tensor1D } from '@tensorflow/tfjs-core';
import type { Context } from '../context.ts';
import { type AttackRef, attackHash, attackNamed } from '../engine/attack-ref.ts';
import { attackTask, frozen, passOf } from '../engine/attack-task.ts';
import type { Task } from '../engine/task.ts';
import { outputsOf } from '../outputs.ts';
import { countTrue, type Finding, skipped, tolerance } from './check.ts';

interface FrozenArgs {
  readonly attack: AttackRef;
  readonly norm: string;
  readonly eps: number;
}

interface FrozenRows {
  /** Whether the model's draws could be held still. */
  readonly holds: boolean;
  readonly broken: readonly boolean[];
}

/** Attacks rows one by one, each in a batch of its own, so that its draws stay the same when others leave. */
export const frozenTask: Task<FrozenArgs, FrozenRows> = {
  name: 'frozen',
  async run(bench, batch, { attack, norm, eps }) {
    const still = frozen(bench.model, bench.seed);
    const [a, b] = [await outputsOf(still, passOf(bench, 'S26', 0), batch.inputs), await outputsOf(still, passOf(bench, 'S26', 1), batch.inputs)];
    const holds = a.rows.every((row, i) => row.every((value, j) => value === b.rows[i]![j]));
    const broken: boolean[] = [];
    for (let row = 0; holds && row < batch.ids.length; row++) {
      const place = tensor1d([row], 'int32');
      const one = { inputs: gather(batch.inputs, place), labels: gather<Tensor1D>(batch.labels, place), ids: batch.ids.slice(row, row + 1) };
      const result = await attackTask.run(bench, one, { attack, threat: { norm, eps }, stream: ['S26'], frozen: true });
      [place, one.inputs, one.labels].forEach((tensor) => tensor.dispose());
      broken.push(result.broken[0]!);
    }
    return { holds, broken };
  },
};

/**
 * S26, for models that draw random numbers: with the draws held still they are broken like any other, so accuracy is no higher
 * than with fresh draws.
 *
 * @param brokenDrawing rows broken by the same attack while the model draws.
 */
export async function frozenNotStronger(context: Context, rows: Int32Array, { norm, eps }: ThreatModel, brokenDrawing: (attack: ReturnType<typeof attackNamed>) => Promise<readonly boolean[]>): Promise<Finding> {
  if (!context.stochastic) return skipped('S26', 'the model draws no random numbers');
  if (rows.length === 0) return skipped('S26', 'no example is classified correctly');
  if (context.flat) return skipped('S26', 'there is no gradient (S05)');
  const attack = attackNamed('pgd', { steps: 20 });
  const parts = await context.jobs.run(frozenTask, { attack: await context.book.refOf(attack), norm, eps }, rows, { part: 'sanity', name: 'S26', eps });
  if (parts.some(({ holds }) => !holds)) return skipped('S26', "the model's draws cannot be held still: they do not come from the pass");
  const still = parts.flatMap(({ broken }) => broken);
  const drawing = await brokenDrawing(attack);
  const value = (countTrue(drawing) - countTrue(still)) / rows.length;
  const threshold = tolerance(still, drawing);
  const note = 'accuracy under PGD with the draws held still minus accuracy with fresh draws';
  return { id: 'S26', status: value > threshold ? 'fail' : 'pass', value, threshold, n: rows.length, attackConfigHash: await attackHash(attack), note };
}
