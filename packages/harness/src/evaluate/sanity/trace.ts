import { type Attack, randomStream, runAttack, type Search, threatModel } from '@robustjs/core';
import { dispose, type Tensor } from '@tensorflow/tfjs-core';
import type { Context } from '../context.ts';
import { type AttackRef, attackHash, attackNamed } from '../engine/attack-ref.ts';
import type { Task } from '../engine/task.ts';
import { withZeroGradient } from '../gradient.ts';
import { type Finding, skipped } from './check.ts';

/** How an attack's objective went on one row that it did not break. */
interface Trace {
  /** The objective at every gradient, in order. */
  readonly values: readonly number[];
  /** The objective at what was returned. */
  readonly best: number;
}

interface TraceArgs {
  readonly attack: AttackRef;
  readonly norm: string;
  readonly eps: number;
  readonly flat: boolean;
}

/** Objectives of an attack, step by step, on the rows that it did not break. */
export const traceTask: Task<TraceArgs, readonly Trace[]> = {
  name: 'trace',
  async run(bench, batch, { attack: ref, norm, eps, flat }) {
    const attack = await bench.attack(ref);
    const seen: { readonly ids: Int32Array; readonly values: Tensor }[] = [];
    const watched: Attack = { ...attack, search: (search) => attack.search(recording(search, (values) => seen.push({ ids: Int32Array.from(search.ids), values }))) };
    const random = randomStream(bench.seed).split('S09');
    const model = flat ? withZeroGradient(bench.model) : bench.model;
    const { signal, route } = bench;
    const result = await runAttack(watched, { ...batch, model, threat: threatModel(norm, eps), random, route, ...(signal && { signal }) });
    result.adversarial.dispose();
    const byId = new Map<number, number[]>(Array.from(batch.ids, (id) => [id, []]));
    for (const { ids, values } of seen) {
      const read = await values.data();
      ids.forEach((id, row) => byId.get(id)!.push(read[row]!));
      values.dispose();
    }
    return Array.from(batch.ids).flatMap((id, row) => (result.success[row] ? [] : [{ values: byId.get(id)!, best: result.values[row]! }]));
  },
};

/** The same search, whose objective at every gradient is told. */
function recording(search: Search, tell: (values: Tensor) => void): Search {
  const gradient: Search['gradient'] = (inputs, options) => {
    const { gradient: wanted, values, ...rest } = search.differentiate(inputs, options);
    dispose(Object.values(rest));
    tell(values);
    return wanted;
  };
  return Object.assign(Object.create(search) as Search, { gradient });
}

const STEPS = 50;
const LAST = 10;

/** S09 and S11: the objective rises from the start, what is kept is its best, and it has stopped rising at the end. */
export async function objectiveRises(context: Context, rows: Int32Array, norm: string, eps: number): Promise<[Finding, Finding]> {
  const attack = attackNamed('pgd', { steps: STEPS, objective: 'margin' });
  const ids = ['S09', 'S11'] as const;
  if (rows.length === 0) return [skipped(ids[0], 'no example is classified correctly'), skipped(ids[1], 'no example is classified correctly')];
  const args = { attack: await context.book.refOf(attack), norm, eps, flat: context.flat };
  const traces = (await context.jobs.run(traceTask, args, rows, { part: 'sanity', name: 'S09', eps })).flat();
  if (traces.length === 0) return [skipped(ids[0], 'the attack broke every row'), skipped(ids[1], 'the attack broke every row')];
  const attackConfigHash = await attackHash(attack);
  return [rises(traces, attackConfigHash), settles(traces, attackConfigHash)];
}

function rises(traces: readonly Trace[], attackConfigHash: string): Finding {
  const n = traces.length;
  const lost = traces.filter(({ values, best }) => best < Math.max(...values)).length;
  const value = traces.filter(({ values }) => !(values.at(-1)! > values[0]!)).length / n;
  const note = `share of surviving rows whose margin did not rise in ${STEPS} steps of PGD; ${lost} returned less than the best they saw`;
  // One row is no share of a few.
  const threshold = Math.max(0.05, 1 / n);
  return { id: 'S09', status: lost > 0 || value > threshold ? 'warn' : 'pass', value, threshold, n, attackConfigHash, note };
}

function settles(traces: readonly Trace[], attackConfigHash: string): Finding {
  const n = traces.length;
  const value = traces.filter(({ values }) => incomplete(values)).length / n;
  const threshold = Math.max(0.1, 1 / n);
  const note = `share of surviving rows whose margin still rose by more than 5 % of its range in the last ${LAST} of ${STEPS} steps of PGD`;
  return { id: 'S11', status: value > threshold ? 'warn' : 'pass', value, threshold, n, attackConfigHash, note };
}

/** The best so far, on a scale from 0 to 1, moves in the last steps (incomplete optimization, Pintor et al., NeurIPS 2022). */
export function incomplete(values: readonly number[]): boolean {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (!(high > low)) return false;
  const before = Math.max(...values.slice(0, -LAST + 1));
  return (high - before) / (high - low) > 0.05;
}
