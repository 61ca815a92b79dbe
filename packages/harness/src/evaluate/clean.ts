import { evaluation } from '@robustjs/core';
import { argMax, tidy } from '@tensorflow/tfjs-core';
import { type Context, forBatches } from './context.ts';

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
    const [logits, classes] = tidy(() => {
      const outputs = model.forward(inputs, evaluation(route));
      return [outputs, argMax(outputs, 1)];
    });
    const values = await logits!.data();
    predicted.set(await classes!.data(), start);
    const width = logits!.shape[1]!;
    for (let row = 0; row < inputs.shape[0]!; row++) {
      const outputs = values.subarray(row * width, (row + 1) * width) as Float32Array;
      finite.push(outputs.every(Number.isFinite));
      if (isDistribution(outputs)) probabilityRows++;
    }
    logits!.dispose();
    classes!.dispose();
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
