import { tensor } from '@tensorflow/tfjs-core';
import type { Context } from './context.ts';
import { passOf } from './engine/attack-task.ts';
import { outputsOf } from './outputs.ts';
import { countTrue } from './sanity/check.ts';
import { adversarialAt, keptAt, type SuiteOutcome } from './suite.ts';

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

/**
 * For each draw, which of some inputs a model that draws random numbers classifies correctly.
 *
 * @param name of the draws: others than those of any other name.
 */
async function rightByDraw({ bench, dataset }: Context, rows: readonly number[], values: Float32Array, ...name: readonly (string | number)[]): Promise<boolean[][]> {
  const size = values.length / Math.max(1, rows.length);
  const right: boolean[][] = Array.from({ length: DRAWS }, () => []);
  for (let start = 0; start < rows.length; start += BATCH) {
    const part = rows.slice(start, start + BATCH);
    const inputs = tensor(values.slice(start * size, (start + part.length) * size), [part.length, ...bench.model.inputShape]);
    for (let draw = 0; draw < DRAWS; draw++) {
      const { classes } = await outputsOf(bench.model, passOf(bench, ...name, draw, start), inputs);
      right[draw]!.push(...part.map((row, i) => classes[i] === dataset.labels[row]));
    }
    inputs.dispose();
  }
  return right;
}

/** How many of some inputs a model that draws random numbers classifies correctly, in each of ten draws. */
export const correctByDraw = async (context: Context, counted: readonly number[], values: Float32Array): Promise<number[]> => (await rightByDraw(context, counted, values, 'draw')).map(countTrue);

/**
 * What a model that draws random numbers is measured at: what broke a row first, and of a row that stands the strongest attempt.
 * That is, of the inputs that attacks returned for it, the one that is right in the fewest of ten draws of its own; the first of equals.
 * Attacks must have kept all that they returned.
 *
 * @param values inputs of the counted rows, as {@link adversarialInputs} gives them.
 */
export async function strongestInputs(context: Context, { counted, attackedRows }: AttackedRows, outcome: SuiteOutcome, values: Float32Array): Promise<Float32Array> {
  const spots = new Map(counted.map((row, spot) => [row, spot]));
  const standing = Array.from(attackedRows, (row, place) => ({ row, place, spot: spots.get(row)! })).filter(({ place }) => outcome.breaker[place]! < 0);
  const size = values.length / Math.max(1, counted.length);
  const strongest = values.slice();
  const fewest = standing.map(() => Infinity);
  for (const [index, part] of outcome.parts.entries()) {
    const attempts = standing.map(({ place }) => keptAt(part, place)!);
    const inputs = new Float32Array(standing.length * size);
    attempts.forEach((attempt, i) => inputs.set(attempt, i * size));
    const right = await rightByDraw(context, standing.map(({ row }) => row), inputs, 'attempt', index);
    standing.forEach(({ spot }, i) => {
      const count = countTrue(right.map((draw) => draw[i]!));
      if (count >= fewest[i]!) return;
      fewest[i] = count;
      strongest.set(attempts[i]!, spot * size);
    });
  }
  return strongest;
}
