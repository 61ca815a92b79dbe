import type { Context } from './context.ts';
import { passOf } from './engine/attack-task.ts';
import type { Task } from './engine/task.ts';
import { outputsOf } from './outputs.ts';

/** What a model says to unperturbed inputs, row by row in the order asked for. */
export interface CleanOutcome {
  readonly predicted: Int32Array;
  readonly correct: readonly boolean[];
  /** Rows whose outputs all lie in [0, 1] and add up to 1. */
  readonly probabilityRows: number;
  /** Rows with an output that is not finite; they count as wrong. */
  readonly notFinite: number;
}

interface CleanRows {
  readonly predicted: Int32Array;
  readonly finite: readonly boolean[];
  readonly probabilityRows: number;
}

/** Forward passes over rows as they are. */
export const cleanTask: Task<object, CleanRows> = {
  name: 'clean',
  async run(bench, { inputs }) {
    const { rows, classes } = await outputsOf(bench.model, passOf(bench, 'clean'), inputs);
    return { predicted: classes, finite: rows.map((row) => row.every(Number.isFinite)), probabilityRows: rows.filter(isDistribution).length };
  },
};

/** Forward passes over unperturbed inputs. */
export async function cleanOutcome({ jobs, dataset }: Context, rows: Int32Array): Promise<CleanOutcome> {
  const parts = await jobs.run(cleanTask, {}, rows, { part: 'clean', name: 'clean' });
  const predicted = Int32Array.from(parts.flatMap((part) => [...part.predicted]));
  const finite = parts.flatMap((part) => part.finite);
  return {
    predicted,
    correct: Array.from(rows, (row, i) => finite[i]! && predicted[i] === dataset.labels[row]),
    probabilityRows: parts.reduce((sum, part) => sum + part.probabilityRows, 0),
    notFinite: finite.filter((is) => !is).length,
  };
}

function isDistribution(outputs: Float32Array): boolean {
  const total = outputs.reduce((sum, value) => sum + value, 0);
  return outputs.every((value) => value >= 0 && value <= 1) && Math.abs(total - 1) <= 1e-5;
}
