import { marginObjective } from '@robustjs/attacks';
import { type Batch, randomStream } from '@robustjs/core';
import { add, dispose, div, maximum, mean, mul, reshape, sqrt, square, sub, sum, type Tensor, tidy } from '@tensorflow/tfjs-core';
import type { Context } from '../context.ts';
import { passOf } from '../engine/attack-task.ts';
import type { Task, Workbench } from '../engine/task.ts';
import { tryGradient } from '../gradient.ts';
import { type Finding, skipped } from './check.ts';

const STEP = 1e-3;
const DIRECTIONS = 10;
const THRESHOLD = 0.05;
// Rounding of float32 in a sum as long as a network is deep.
const ROUNDING = 1e-6;

/** Relative errors of directional derivatives against central differences, over rows and directions. */
export const differencesTask: Task<object, readonly number[]> = {
  name: 'finite-differences',
  async run(bench, batch) {
    const [low, high] = bench.model.bounds;
    const h = STEP * (high - low);
    // Moved inwards, so that both ends of a difference are images too.
    const point = tidy(() => add(mul(sub(batch.inputs, low), 1 - 2 * STEP), low + h));
    const gradient = tryGradient(bench.model, passOf(bench, 'S07'), marginObjective, point, batch.labels);
    if (gradient === undefined) throw new Error('S07 needs a gradient');
    const errors: number[] = [];
    for (let index = 0; index <= DIRECTIONS; index++) errors.push(...(await errorsAlong(bench, batch, { point, gradient, index, h })));
    point.dispose();
    gradient.dispose();
    return errors;
  },
};

interface Probe {
  readonly point: Tensor;
  readonly gradient: Tensor;
  readonly index: number;
  readonly h: number;
}

async function errorsAlong(bench: Workbench, { labels, ids }: Batch, { point, gradient, index, h }: Probe): Promise<number[]> {
  const { model, seed } = bench;
  const measured: { [name: string]: Tensor } = tidy(() => {
    const flat = (x: Tensor): Tensor => reshape(x, [ids.length, -1]);
    // The last one is along the gradient; every one has a root mean square of one.
    const raw = index < DIRECTIONS ? sub(randomStream(seed).split('S07', index).uniformRows(ids, model.inputShape), 0.5) : gradient;
    const length = maximum(sqrt(mean(square(flat(raw)), 1)), 1e-30);
    const direction = div(raw, reshape(length, [ids.length, ...model.inputShape.map(() => 1)]));
    const outputs = (sign: number): Tensor => model.forward(add(point, mul(direction, sign * h)), passOf(bench, 'S07'));
    const plus = outputs(1);
    return { slope: sum(mul(flat(gradient), flat(direction)), 1), plus: marginObjective(plus, labels), minus: marginObjective(outputs(-1), labels), size: sqrt(mean(square(plus), 1)) };
  });
  const read = Object.fromEntries(await Promise.all(Object.entries(measured).map(async ([name, tensor]) => [name, Array.from(await tensor.data())] as const)));
  dispose(measured);
  return Array.from(ids, (_, row) => {
    const [slope, plus, minus, size] = ['slope', 'plus', 'minus', 'size'].map((name) => read[name]![row]!) as [number, number, number, number];
    const difference = (plus - minus) / (2 * h);
    const rounding = (ROUNDING * Math.max(size, Math.abs(plus))) / h;
    const off = Math.max(0, Math.abs(difference - slope) - rounding);
    return off === 0 ? 0 : off / Math.max(Math.abs(difference), Math.abs(slope));
  });
}

/** S07: the gradient is that of the function: it agrees with central differences in random directions and along itself. */
export async function gradientCorrect(context: Context, rows: Int32Array, approximate: boolean): Promise<Finding> {
  if (rows.length === 0) return skipped('S07', 'no example is classified correctly');
  if (context.flat) return skipped('S07', 'there is no gradient (S05)');
  if (context.stochastic) return skipped('S07', 'outputs differ from pass to pass (S02), so differences say nothing');
  const errors = (await context.jobs.run(differencesTask, {}, rows, { part: 'sanity', name: 'S07' })).flat().sort((a, b) => a - b);
  const value = errors.every(Number.isFinite) ? errors[Math.floor(errors.length / 2)]! : 1;
  const status = value <= THRESHOLD ? 'pass' : approximate ? 'info' : 'fail';
  const note = `median relative error of the gradient against finite differences of ${STEP} of the input's range, along ${DIRECTIONS} random directions and itself${approximate ? '; it was declared to be a stand-in' : ''}`;
  return { id: 'S07', status, value, threshold: THRESHOLD, n: rows.length, note };
}
