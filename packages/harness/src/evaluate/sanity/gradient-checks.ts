import { crossEntropyObjective, marginObjective } from '@robustjs/attacks';
import { type Objective, randomStream, type ThreatModel } from '@robustjs/core';
import { abs, sum, tidy } from '@tensorflow/tfjs-core';
import { type Context, forBatches } from '../context.ts';
import { tryGradient } from '../gradient.ts';
import { type Finding, skipped } from './check.ts';

/** S05: a gradient of the objective with respect to the input exists. One row tells. */
export async function gradientExists(context: Context, rows: Int32Array): Promise<Finding> {
  const one = rows.subarray(0, 1);
  let exists = false;
  await forBatches(context, one, { part: 'sanity', name: 'S05' }, async ({ inputs, labels }) => {
    const gradient = tryGradient(context.model, context.route, crossEntropyObjective, inputs, labels);
    exists = gradient !== undefined;
    gradient?.dispose();
  });
  const note = exists
    ? 'the gradient of the loss with respect to the input can be taken'
    : 'no gradient reaches the input, so attacks got zeros instead: an operation such as argMax, or one without a gradient, stands between';
  return { id: 'S05', status: exists ? 'pass' : 'fail', value: exists ? 0 : 1, threshold: 0, n: one.length, note };
}

const OBJECTIVES: readonly (readonly [string, Objective])[] = [
  ['cross-entropy', crossEntropyObjective],
  ['margin', marginObjective],
];

/** S06: at a random start hardly any row has a gradient of zero, under either objective that attacks use. */
export async function gradientNotZero(context: Context, rows: Int32Array, threat: ThreatModel): Promise<Finding> {
  if (rows.length === 0) return skipped('S06', 'no example is classified correctly');
  const zero = OBJECTIVES.map(() => 0);
  const random = randomStream(context.seed).split('S06');
  await forBatches(context, rows, { part: 'sanity', name: 'S06' }, async ({ inputs, labels, ids }) => {
    const start = threat.randomStart(inputs, ids, random, context.model.bounds);
    for (const [i, [, objective]] of OBJECTIVES.entries()) {
      const gradient = tryGradient(context.model, context.route, objective, start, labels);
      const sums = tidy(() => (gradient === undefined ? undefined : sum(abs(gradient), gradient.shape.slice(1).map((_, axis) => axis + 1))));
      const values = sums === undefined ? new Float32Array(inputs.shape[0]) : await sums.data();
      zero[i]! += Array.from(values).filter((value) => !(value > 0)).length;
      sums?.dispose();
      gradient?.dispose();
    }
    start.dispose();
  });
  const shares = zero.map((count) => count / rows.length);
  const value = Math.max(...shares);
  const note = `share of rows whose gradient is zero: ${OBJECTIVES.map(([name], i) => `${(100 * shares[i]!).toFixed(1)} % under ${name}`).join(', ')}`;
  return { id: 'S06', status: value > 0.05 ? 'fail' : value > 0 ? 'warn' : 'pass', value, threshold: 0.05, n: rows.length, note };
}
