import { type Context, forBatches } from './context.ts';
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

/** Forward passes over unperturbed inputs. */
export async function cleanOutcome(context: Context, rows: Int32Array): Promise<CleanOutcome> {
  const { model, dataset, route } = context;
  const predicted = new Int32Array(rows.length);
  const finite: boolean[] = [];
  let probabilityRows = 0;
  await forBatches(context, rows, { part: 'clean', name: 'clean' }, async ({ start, inputs }) => {
    const { rows: outputs, classes } = await outputsOf(model, route, inputs);
    predicted.set(classes, start);
    finite.push(...outputs.map((row) => row.every(Number.isFinite)));
    probabilityRows += outputs.filter(isDistribution).length;
  });
  return {
    predicted,
    correct: Array.from(rows, (row, i) => finite[i]! && predicted[i] === dataset.labels[row]),
    probabilityRows,
    notFinite: finite.filter((is) => !is).length,
  };
}

function isDistribution(outputs: Float32Array): boolean {
  const total = outputs.reduce((sum, value) => sum + value, 0);
  return outputs.every((value) => value >= 0 && value <= 1) && Math.abs(total - 1) <= 1e-5;
}
