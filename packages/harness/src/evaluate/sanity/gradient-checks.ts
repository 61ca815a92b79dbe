import { crossEntropyObjective, marginObjective } from '@robustjs/attacks';
import { type Model, type Objective, randomStream, type ThreatModel, threatModel } from '@robustjs/core';
import { abs, sum, tidy } from '@tensorflow/tfjs-core';
import type { Context } from '../context.ts';
import { passOf } from '../engine/attack-task.ts';
import type { Jobs } from '../engine/jobs.ts';
import type { Task } from '../engine/task.ts';
import { tryGradient } from '../gradient.ts';
import { type Finding, skipped } from './check.ts';

/** Whether a gradient of the cross-entropy with respect to these inputs exists. */
export const gradientExistsTask: Task<object, boolean> = {
  name: 'gradient-exists',
  async run(bench, { inputs, labels }) {
    const gradient = tryGradient(bench.model, passOf(bench, 'S05'), crossEntropyObjective, inputs, labels);
    gradient?.dispose();
    return gradient !== undefined;
  },
};

/**
 * S05: a gradient of the objective with respect to the input exists. One row tells. A model that says it only predicts is evaluated by
 * queries; S06 marks that result as unreliable.
 */
export async function gradientExists(jobs: Jobs, rows: Int32Array, { differentiable }: Pick<Model, 'differentiable'>): Promise<Finding> {
  if (differentiable === false) return skipped('S05', 'the model only predicts: it was attacked by queries alone, so robust accuracy is an upper bound');
  const [exists = false] = await jobs.run(gradientExistsTask, {}, rows.subarray(0, 1), { part: 'sanity', name: 'S05' });
  const note = exists
    ? 'the gradient of the loss with respect to the input can be taken'
    : 'no gradient reaches the input, so attacks got zeros instead: an operation such as argMax, or one without a gradient, stands between';
  return { id: 'S05', status: exists ? 'pass' : 'fail', value: exists ? 0 : 1, threshold: 0, n: Math.min(1, rows.length), note };
}

const OBJECTIVES: readonly (readonly [string, Objective])[] = [
  ['cross-entropy', crossEntropyObjective],
  ['margin', marginObjective],
];

/** How many rows have a gradient of zero at a random start, under each objective. */
export const zeroGradientTask: Task<{ readonly norm: string; readonly eps: number }, readonly number[]> = {
  name: 'zero-gradient',
  async run(bench, { inputs, labels, ids }, { norm, eps }) {
    const start = threatModel(norm, eps).randomStart(inputs, ids, randomStream(bench.seed).split('S06'), bench.model.bounds);
    const zero: number[] = [];
    for (const [, objective] of OBJECTIVES) {
      const gradient = tryGradient(bench.model, passOf(bench, 'S06'), objective, start, labels);
      const sums = tidy(() => (gradient === undefined ? undefined : sum(abs(gradient), gradient.shape.slice(1).map((_, axis) => axis + 1))));
      const values = sums === undefined ? new Float32Array(ids.length) : await sums.data();
      zero.push(Array.from(values).filter((value) => !(value > 0)).length);
      sums?.dispose();
      gradient?.dispose();
    }
    start.dispose();
    return zero;
  },
};

/** S06: at a random start hardly any row has a gradient of zero, under either objective that attacks use. */
export async function gradientNotZero({ jobs }: Context, rows: Int32Array, { norm, eps }: ThreatModel): Promise<Finding> {
  if (rows.length === 0) return skipped('S06', 'no example is classified correctly');
  const parts = await jobs.run(zeroGradientTask, { norm, eps }, rows, { part: 'sanity', name: 'S06' });
  const shares = OBJECTIVES.map((_, i) => parts.reduce((total, zero) => total + zero[i]!, 0) / rows.length);
  const value = Math.max(...shares);
  const note = `share of rows whose gradient is zero: ${OBJECTIVES.map(([name], i) => `${(100 * shares[i]!).toFixed(1)} % under ${name}`).join(', ')}`;
  return { id: 'S06', status: value > 0.05 ? 'fail' : value > 0 ? 'warn' : 'pass', value, threshold: 0.05, n: rows.length, note };
}
