import type { Context } from './context.ts';
import { passOf } from './engine/attack-task.ts';
import type { Task } from './engine/task.ts';
import { outputsOf } from './outputs.ts';

/** What a model says to unperturbed inputs, row by row in the order asked for. */
export interface CleanOutcome {
  /** -1 where an output is not finite. */
  readonly predicted: Int32Array;
  readonly correct: readonly boolean[];
  /** Rows whose outputs all lie in [0, 1] and add up to 1. */
  readonly probabilityRows: number;
  /** Rows with an output that is not finite; they count as wrong. */
  readonly notFinite: number;
}

interface CleanRows {
  readonly predicted: Int32Array;
  readonly probabilityRows: number;
}

/** Forward passes over rows as they are. */
export const cleanTask: Task<object, CleanRows> = {
  name: 'clean',
  async run(bench, { inputs }) {
    const { rows, classes } = await outputsOf(bench.model, passOf(bench, 'clean'), inputs);
    return { predicted: classes, probabilityRows: rows.filter(isDistribution).length };
  },
};

/** Forward passes over unperturbed inputs. */
export async function cleanOutcome({ jobs, dataset }: Context, rows: Int32Array): Promise<CleanOutcome> {
  const parts = await jobs.run(cleanTask, {}, rows, { part: 'clean', name: 'clean' });
  const predicted = Int32Array.from(parts.flatMap((part) => [...part.predicted]));
  return {
    predicted,
    correct: Array.from(rows, (row, i) => predicted[i] === dataset.labels[row]),
    probabilityRows: parts.reduce((sum, part) => sum + part.probabilityRows, 0),
    notFinite: predicted.filter((label) => label < 0).length,
  };
}

// What AutoAttack's own check allows for float error.
const ROUNDING = 1e-5;

function isDistribution(outputs: Float32Array): boolean {
  const total = outputs.reduce((sum, value) => sum + value, 0);
  return outputs.every((value) => value >= -ROUNDING && value <= 1 + ROUNDING) && Math.abs(total - 1) <= ROUNDING;
}
