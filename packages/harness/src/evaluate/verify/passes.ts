import type { Branch, Model } from '@robustjs/core';
import { tensor } from '@tensorflow/tfjs-core';
import { passOf } from '../engine/attack-task.ts';
import { outputsOf } from '../outputs.ts';

/** What a model says to some inputs in one pass over them. */
export interface Answers {
  readonly classes: Int32Array;
  /** Rows all of whose outputs are finite; any other counts as wrong. */
  readonly finite: readonly boolean[];
}

/** Several passes over so many inputs. */
export type Ask = (values: Float32Array, count: number, passes: number) => Promise<readonly Answers[]>;

/** Asks in batches. The seed is none that an evaluation is known by, so that no draw of the record is met again. */
export const asking = (model: Model, branch: Branch, batchSize: number): Ask => async (values, count, passes) => {
  const size = values.length / Math.max(1, count);
  const all = Array.from({ length: passes }, () => ({ classes: new Int32Array(count), finite: Array<boolean>(count).fill(false) }));
  for (let start = 0; start < count; start += batchSize) {
    const rows = Math.min(batchSize, count - start);
    const inputs = tensor(values.slice(start * size, (start + rows) * size), [rows, ...model.inputShape]);
    for (const [index, answers] of all.entries()) {
      const outputs = await outputsOf(model, passOf({ route: { kind: 'one', branch }, seed: SEED }, 'verify', index, start), inputs);
      answers.classes.set(outputs.classes, start);
      outputs.rows.forEach((row, i) => (answers.finite[start + i] = row.every(Number.isFinite)));
    }
    inputs.dispose();
  }
  return all;
};

const SEED = 20_240_229;

/** How many rows of several passes are classified correctly, and how far chance moves that number. */
export interface Recount {
  /** Mean over the passes. */
  readonly mean: number;
  /** Variance of one pass's number: by row p (1 - p), estimated without bias from the passes; 0 for one pass. */
  readonly variance: number;
  readonly passes: number;
}

/** Counts anew. */
export function recount(passes: readonly Answers[], labels: readonly number[]): Recount {
  const d = passes.length;
  const right = labels.map((label, row) => passes.filter(({ classes, finite }) => finite[row]! && classes[row] === label).length);
  const total = right.reduce((sum, times) => sum + times, 0);
  return { mean: total / d, variance: d < 2 ? 0 : right.reduce((sum, times) => sum + (times * (d - times)) / (d * (d - 1)), 0), passes: d };
}

// Six in a hundred thousand by chance, were the counts normal.
const DEVIATIONS = 4;

/** How far the mean of so many other passes may lie from a recount by chance. */
export const byChance = ({ variance, passes }: Recount, others: number): number => DEVIATIONS * Math.sqrt(variance * (1 / passes + 1 / others));

/** How many rows another pass may classify otherwise than the first by chance: what the others do, and its deviations. */
export function otherwiseByChance([first, ...others]: readonly Answers[]): number {
  if (first === undefined || others.length === 0) return 0;
  const differ = others.reduce((sum, { classes }) => sum + classes.filter((predicted, row) => predicted !== first.classes[row]).length, 0) / others.length;
  return differ + DEVIATIONS * Math.sqrt(differ);
}
