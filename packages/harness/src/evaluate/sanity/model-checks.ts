import { engine, tidy } from '@tensorflow/tfjs-core';
import type { CleanOutcome } from '../clean.ts';
import type { Context } from '../context.ts';
import { passOf } from '../engine/attack-task.ts';
import type { Task } from '../engine/task.ts';
import { outputsOf } from '../outputs.ts';
import { type Finding, skipped } from './check.ts';

/** S01: the evaluation left parameters and statistics as they were, in this thread and after every attack in any other. */
export function weightsFrozen(before: string | null, after: string | null, movedInJobs: boolean): Finding {
  if (before === null) return skipped('S01', 'the weights cannot be seen: pass the model instead of a function to have them checked');
  const same = before === after && !movedInJobs;
  const note = same ? 'parameters and statistics have the same hash before and after' : 'parameters or statistics changed while the model was attacked';
  return { id: 'S01', status: same ? 'pass' : 'fail', value: same ? 0 : 1, threshold: 0, n: 1, note };
}

const FORWARDS = 5;
const LARGEST_DIFFERENCE = 1e-4;

/** Repeated forward passes: the largest difference between normalized outputs, and how many predictions changed. */
export const repeatTask: Task<object, { readonly largest: number; readonly changed: number }> = {
  name: 'repeat',
  async run(bench, { inputs }) {
    const pass = (index: number): ReturnType<typeof passOf> => passOf(bench, 'S02', index);
    const first = await outputsOf(bench.model, pass(0), inputs);
    let largest = 0;
    let changed = 0;
    for (let index = 1; index < FORWARDS; index++) {
      const other = await outputsOf(bench.model, pass(index), inputs);
      first.rows.forEach((row, i) => (largest = Math.max(largest, differenceOfDirections(row, other.rows[i]!))));
      changed += other.classes.filter((predicted, i) => predicted !== first.classes[i]).length;
    }
    return { largest, changed };
  },
};

/** S02: five forward passes of the same rows give the same outputs. */
export async function deterministic({ jobs }: Pick<Context, 'jobs'>, rows: Int32Array): Promise<Finding> {
  const parts = await jobs.run(repeatTask, {}, rows, { part: 'sanity', name: 'S02' });
  const largest = parts.reduce((most, part) => Math.max(most, part.largest), 0);
  const changed = parts.reduce((sum, part) => sum + part.changed, 0);
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

/** S04: clean accuracy is what was claimed, to a tenth of a point; on a part of the data it differs by chance. */
export function matchesClaim(correct: number, n: number, claim: number | undefined, whole: boolean): Finding {
  if (claim === undefined) return skipped('S04', 'no clean accuracy was claimed');
  if (!whole) return skipped('S04', `the claimed ${claim} is of the whole test set, and ${correct} of ${n} were counted here: evaluate all examples to have it checked`);
  const difference = Math.abs(correct / n - claim);
  // A claim rounded to a tenth of a point must not fail by float error.
  const fine = difference <= 0.001 + 1e-9;
  return { id: 'S04', status: fine ? 'pass' : 'fail', value: difference, threshold: 0.001, n, note: `clean accuracy differs from the claimed ${claim} by this much` };
}

/** Gradients taken inside one forward pass. */
export const innerGradientsTask: Task<object, number> = {
  name: 'inner-gradients',
  async run(bench, { inputs }) {
    const tf = engine();
    const gradients = tf.gradients.bind(tf);
    let count = 0;
    // Every gradient of TF.js comes by here; an own property hides the method until it is deleted.
    const counted: typeof tf.gradients = (f, xs, dy, allowNoGradients) => {
      count++;
      return gradients(f, xs, dy, allowNoGradients);
    };
    tf.gradients = counted;
    try {
      tidy(() => void bench.model.forward(inputs, passOf(bench, 'S30')));
    } finally {
      delete (tf as { gradients?: unknown }).gradients;
    }
    return count;
  },
};

/** S30: a prediction takes the forward passes that were declared, and no gradients: there is no optimization at test time. */
export async function noInnerOptimization({ jobs }: Context, rows: Int32Array, forwardPasses: number): Promise<Finding> {
  const [count = 0] = await jobs.run(innerGradientsTask, {}, rows.subarray(0, 1), { part: 'sanity', name: 'S30' });
  const passes = `${forwardPasses} forward pass${forwardPasses === 1 ? '' : 'es'} declared for a prediction`;
  const note = count === 0 ? `${passes}; no gradient is taken in it` : `a prediction takes ${count} gradients: it optimizes at test time, which needs attacks made for it`;
  return { id: 'S30', status: count === 0 ? 'pass' : 'fail', value: count, threshold: 0, n: Math.min(1, rows.length), note };
}
