import { marginObjective } from '@robustjs/attacks';
import { randomStream } from '@robustjs/core';
import { add, clipByValue, mul, sub, type Tensor, tidy } from '@tensorflow/tfjs-core';
import type { Context } from '../context.ts';
import { passOf } from '../engine/attack-task.ts';
import type { Task } from '../engine/task.ts';
import { type Finding, skipped } from './check.ts';

const NOISES = 100;
const RADIUS = 8 / 255;
const THRESHOLD = 0.1;

/** How much the margin changes under small noise, relative to itself, at most 1; the mean over noises, by row. */
export const unstableTask: Task<object, readonly number[]> = {
  name: 'unstable',
  async run(bench, { inputs, labels, ids }) {
    const { model, seed } = bench;
    const [low, high] = model.bounds;
    const marginAt = async (make: () => Tensor, name: number): Promise<ArrayLike<number>> => {
      const values = tidy(() => marginObjective(model.forward(make(), passOf(bench, 'S08', name)), labels));
      const read = Float32Array.from(await values.data());
      values.dispose();
      return read;
    };
    const before = await marginAt(() => inputs, -1);
    const sums = new Float64Array(ids.length);
    for (let index = 0; index < NOISES; index++) {
      const noise = (): Tensor => mul(sub(randomStream(seed).split('S08', index).uniformRows(ids, model.inputShape), 0.5), RADIUS * (high - low));
      const after = await marginAt(() => clipByValue(add(inputs, noise()), low, high), index);
      sums.forEach((sum, row) => (sums[row] = sum + Math.min(1, Math.abs(after[row]! - before[row]!) / Math.abs(before[row]!) || 0)));
    }
    return Array.from(sums, (sum) => sum / NOISES);
  },
};

/** S08: small noise moves the loss a little, not a lot (the index of unstable predictions of Pintor et al., NeurIPS 2022). */
export async function lossStable({ jobs }: Context, rows: Int32Array): Promise<Finding> {
  if (rows.length === 0) return skipped('S08', 'no example is classified correctly');
  const values = (await jobs.run(unstableTask, {}, rows, { part: 'sanity', name: 'S08' })).flat();
  const value = values.reduce((sum, each) => sum + each, 0) / values.length;
  const note = `relative change of the margin under noise of 8/255 of the input's range, mean over ${NOISES} draws: more is a rugged surface`;
  return { id: 'S08', status: value > THRESHOLD ? 'warn' : 'pass', value, threshold: THRESHOLD, n: rows.length, note };
}
