import type { CleanOutcome } from '../clean.ts';
import { type Context, forBatches } from '../context.ts';
import { outputsOf } from '../outputs.ts';
import { type Finding, skipped } from './check.ts';

/** S01: the evaluation left parameters and statistics as they were. */
export function weightsFrozen(before: string | null, after: string | null): Finding {
  if (before === null) return skipped('S01', 'the weights cannot be seen: pass the model instead of a function to have them checked');
  const same = before === after;
  const note = same ? 'parameters and statistics have the same hash before and after' : 'parameters or statistics changed while the model was attacked';
  return { id: 'S01', status: same ? 'pass' : 'fail', value: same ? 0 : 1, threshold: 0, n: 1, note };
}

const FORWARDS = 5;
const LARGEST_DIFFERENCE = 1e-4;

/** S02: five forward passes of the same rows give the same outputs. */
export async function deterministic(context: Context, rows: Int32Array): Promise<Finding> {
  let largest = 0;
  let changed = 0;
  await forBatches(context, rows, { part: 'sanity', name: 'S02' }, async ({ inputs }) => {
    const first = await outputsOf(context.model, context.route, inputs);
    for (let pass = 1; pass < FORWARDS; pass++) {
      const other = await outputsOf(context.model, context.route, inputs);
      first.rows.forEach((row, i) => (largest = Math.max(largest, differenceOfDirections(row, other.rows[i]!))));
      changed += other.classes.filter((predicted, i) => predicted !== first.classes[i]).length;
    }
  });
  const fine = changed === 0 && largest <= LARGEST_DIFFERENCE;
  const note = `largest difference between normalized outputs of ${FORWARDS} forward passes; ${changed} predictions changed`;
  return { id: 'S02', status: fine ? 'pass' : 'fail', value: Number.isFinite(largest) ? largest : null, threshold: LARGEST_DIFFERENCE, n: rows.length, note };
}

function differenceOfDirections(a: Float32Array, b: Float32Array): number {
  const length = (row: Float32Array): number => Math.sqrt(row.reduce((sum, value) => sum + value * value, 0)) || 1;
  const [lengthA, lengthB] = [length(a), length(b)];
  return Math.sqrt(a.reduce((sum, value, i) => sum + (value / lengthA - b[i]! / lengthB) ** 2, 0));
}

/** S03: the outputs are logits, not probabilities. */
export function logitsNotProbabilities({ probabilityRows, predicted }: CleanOutcome): Finding {
  const n = predicted.length;
  const all = n > 0 && probabilityRows === n;
  const note = all
    ? 'every output row lies in [0, 1] and adds up to 1: the model ends in a softmax, whose gradient vanishes; take the layer before it'
    : 'share of output rows that lie in [0, 1] and add up to 1';
  // Only a model that always does it has a softmax.
  return { id: 'S03', status: all ? 'fail' : 'pass', value: n === 0 ? null : probabilityRows / n, threshold: null, n, note };
}

/** S04: clean accuracy is what was claimed, to a tenth of a point. */
export function matchesClaim(correct: number, n: number, claim: number | undefined): Finding {
  if (claim === undefined) return skipped('S04', 'no clean accuracy was claimed');
  const difference = Math.abs(correct / n - claim);
  // A claim rounded to a tenth of a point must not fail by float error.
  const fine = difference <= 0.001 + 1e-9;
  return { id: 'S04', status: fine ? 'pass' : 'fail', value: difference, threshold: 0.001, n, note: `clean accuracy differs from the claimed ${claim} by this much` };
}
