import { tensor } from '@tensorflow/tfjs-core';
import type { Context } from './context.ts';
import { passOf } from './engine/attack-task.ts';
import { outputsOf } from './outputs.ts';
import { adversarialAt, type SuiteOutcome } from './suite.ts';

/** Who was attacked. Rows are positions in the data set that is evaluated. */
export interface AttackedRows {
  /** All rows that robust accuracy counts, in the order of the whole data set. */
  readonly counted: readonly number[];
  /** Those of them that were correct without an attack, in the order of evaluation. */
  readonly attackedRows: Int32Array;
}

/** The inputs that robust accuracy is about, one after another: what broke a row first, else its clean input. */
export async function adversarialInputs({ dataset }: Pick<Context, 'dataset'>, { counted, attackedRows }: AttackedRows, outcome: SuiteOutcome): Promise<Float32Array> {
  const places = new Map(Array.from(attackedRows, (row, place) => [row, place]));
  const values = await dataset.read(counted);
  const size = values.length / Math.max(1, counted.length);
  counted.forEach((row, i) => {
    const place = places.get(row);
    const adversarial = place === undefined ? undefined : adversarialAt(outcome, place);
    if (adversarial !== undefined) values.set(adversarial, i * size);
  });
  return values;
}

const DRAWS = 10;
const BATCH = 100;

/** How many of some inputs a model that draws random numbers classifies correctly, in each of ten draws. */
export async function correctByDraw({ bench, dataset }: Context, counted: readonly number[], values: Float32Array): Promise<number[]> {
  const size = values.length / Math.max(1, counted.length);
  const counts = Array<number>(DRAWS).fill(0);
  for (let start = 0; start < counted.length; start += BATCH) {
    const rows = counted.slice(start, start + BATCH);
    const inputs = tensor(values.slice(start * size, (start + rows.length) * size), [rows.length, ...bench.model.inputShape]);
    for (let draw = 0; draw < DRAWS; draw++) {
      const { classes } = await outputsOf(bench.model, passOf(bench, 'draw', draw, start), inputs);
      counts[draw]! += rows.filter((row, i) => classes[i] === dataset.labels[row]).length;
    }
    inputs.dispose();
  }
  return counts;
}
