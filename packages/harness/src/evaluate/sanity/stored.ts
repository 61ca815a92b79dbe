import { type Context } from '../context.ts';
import { passOf } from '../engine/attack-task.ts';
import { outputsOf } from '../outputs.ts';
import { adversarialAt, type SuiteOutcome } from '../suite.ts';
import { tensor } from '@tensorflow/tfjs-core';
import { type Finding, skipped } from './check.ts';

const BATCH = 64;

/** Rows of a suite that are misclassified at the inputs that broke them, changed by a function of one value. */
async function stillBroken(context: Context, rows: Int32Array, outcome: SuiteOutcome, change: (value: number) => number): Promise<{ broken: number; still: number }> {
  const { model } = context.bench;
  const places = Array.from(rows, (_, place) => place).filter((place) => outcome.breaker[place]! >= 0);
  const size = model.inputShape.reduce((product, length) => product * length, 1);
  let still = 0;
  for (let start = 0; start < places.length; start += BATCH) {
    const part = places.slice(start, start + BATCH);
    const values = new Float32Array(part.length * size);
    part.forEach((place, i) => values.set(adversarialAt(outcome, place)!.map(change), i * size));
    const inputs = tensor(values, [part.length, ...model.inputShape]);
    const { classes } = await outputsOf(model, passOf(context.bench, 'stored'), inputs);
    inputs.dispose();
    still += part.filter((place, i) => classes[i] !== context.dataset.labels[rows[place]!]).length;
  }
  return { broken: places.length, still };
}

const LARGEST_DIFFERENCE = 0.002;

/** S29, as far as one process can: the inputs that are stored are misclassified in new forward passes of other batches. */
export async function storedInputsBreak(context: Context, rows: Int32Array, outcome: SuiteOutcome, n: number): Promise<Finding> {
  if (rows.length === 0) return skipped('S29', 'no example is classified correctly');
  const { broken, still } = await stillBroken(context, rows, outcome, (value) => value);
  const value = (broken - still) / n;
  const status = value > LARGEST_DIFFERENCE ? (context.stochastic ? 'info' : 'fail') : 'pass';
  const note = `accuracy at the stored inputs minus robust accuracy, in forward passes of their own; robustjs verify repeats it in a process of its own and on another backend`;
  return { id: 'S29', status, value, threshold: LARGEST_DIFFERENCE, n, note };
}

/** S25: how much of the attack outlives rounding to 256 levels, as image files have them. */
export async function quantized(context: Context, rows: Int32Array, outcome: SuiteOutcome, n: number): Promise<Finding> {
  if (rows.length === 0) return skipped('S25', 'no example is classified correctly');
  const [low, high] = context.model.bounds;
  const { broken, still } = await stillBroken(context, rows, outcome, (value) => low + (Math.round((255 * (value - low)) / (high - low)) / 255) * (high - low));
  return { id: 'S25', status: 'info', value: (broken - still) / n, threshold: null, n, note: 'accuracy gained by rounding adversarial inputs to 256 levels, as image files do' };
}
