import { type Attack, evaluation, linf, type LookOptions, randomStream, runAttack, type Search, threatModel, type ThreatModel } from '@robustjs/core';
import { argMax, cast, keep, lessEqual, logicalAnd, notEqual, type Tensor, tensor1d, tidy } from '@tensorflow/tfjs-core';
import type { Context } from '../context.ts';
import type { AttackRef } from '../engine/attack-ref.ts';
import type { Task, Workbench } from '../engine/task.ts';
import { withZeroGradient } from '../gradient.ts';
import type { SuiteOutcome } from '../suite.ts';
import { type Finding, skipped } from './check.ts';

/** S23: every returned input keeps to the threat model, and the attack's verdict holds in a new forward pass. */
export function constraintsHold(outcomes: readonly SuiteOutcome[], stochastic: boolean): Finding {
  const runs = outcomes.flatMap(({ parts }) => parts.map(({ attacked }) => attacked));
  const violations = runs.reduce((sum, run) => sum + run.violations, 0);
  const disagreements = runs.reduce((sum, run) => sum + run.disagreements, 0);
  const n = runs.reduce((sum, run) => sum + run.broken.length, 0);
  // A model that draws random numbers need not agree with itself.
  const bad = violations + (stochastic ? 0 : disagreements);
  const note = `returned inputs outside budget or bounds: ${violations}; judged differently by a new forward pass: ${disagreements}`;
  return { id: 'S23', status: bad === 0 ? 'pass' : 'fail', value: bad, threshold: 0, n, note };
}

/** What was seen of one proposal of an attack: which rows it would have broken. */
interface Sighting {
  readonly ids: Int32Array;
  readonly adversarial: Tensor;
}

interface WatchArgs {
  readonly attack: AttackRef;
  readonly norm: string;
  readonly eps: number;
  readonly flat: boolean;
}

/** How many rows an attack broke on its way and did not return broken. */
export const watchTask: Task<WatchArgs, number> = {
  name: 'watch',
  async run(bench, batch, { attack: ref, norm, eps, flat }) {
    const attack = await bench.attack(ref);
    const { route, signal, seed } = bench;
    const labels = new Map((await batch.labels.array()).map((label, row) => [batch.ids[row]!, label]));
    const seen: Sighting[] = [];
    const watched: Attack = { ...attack, search: (search) => attack.search(watch(search, (inputs) => seen.push(sight(bench, search, inputs, labels)))) };
    const random = randomStream(seed).split('S24');
    const model = flat ? withZeroGradient(bench.model) : bench.model;
    const result = await runAttack(watched, { ...batch, model, threat: threatModel(norm, eps), random, route, ...(signal && { signal }) });
    result.adversarial.dispose();
    const hit = new Set<number>();
    for (const { ids, adversarial } of seen) {
      const values = await adversarial.data();
      ids.forEach((id, row) => values[row] && hit.add(id));
      adversarial.dispose();
    }
    return Array.from(batch.ids).filter((id, row) => hit.has(id) && !result.success[row]).length;
  },
};

/** S24: a row that an attack broke on its way comes back broken. Watches every proposal of every attack with gradients. */
export async function noSilentSuccess(context: Pick<Context, 'jobs' | 'book' | 'flat' | 'stochastic'>, rows: Int32Array, attacks: readonly Attack[], { norm, eps }: ThreatModel): Promise<Finding> {
  if (rows.length === 0 || attacks.length === 0) return skipped('S24', 'no example is classified correctly, or no attack takes gradients');
  if (context.stochastic) return skipped('S24', 'outputs differ from pass to pass (S02), so an observer sees other ones');
  const lost = await Promise.all(
    attacks.map(async (attack) => {
      const args = { attack: await context.book.refOf(attack), norm, eps, flat: context.flat };
      return (await context.jobs.run(watchTask, args, rows, { part: 'sanity', name: 'S24', eps })).reduce((sum, count) => sum + count, 0);
    }),
  );
  const value = lost.reduce((sum, count) => sum + count, 0);
  const note = 'rows that were adversarial on the way but came back as not broken';
  return { id: 'S24', status: value === 0 ? 'pass' : 'fail', value, threshold: 0, n: rows.length * attacks.length, note };
}

/** The same search, with someone looking at every proposal. */
function watch(search: Search, look: (inputs: Tensor) => void): Search {
  // What is no proposal may lie outside of the ball, and counts for nothing.
  const at = (inputs: Tensor, options?: LookOptions): void => void (options?.probe !== true && look(inputs));
  const looking: Pick<Search, 'gradient' | 'differentiate' | 'query' | 'look' | 'offer'> = {
    gradient: (inputs, options) => (at(inputs, options), search.gradient(inputs, options)),
    differentiate: (inputs, options) => (at(inputs, options), search.differentiate(inputs, options)),
    query: (inputs, options) => (at(inputs, options), search.query(inputs, options)),
    look: (inputs, options) => (at(inputs, options), search.look(inputs, options)),
    offer: (inputs) => (look(inputs), search.offer(inputs)),
  };
  // The prototype keeps the getters alive: rows leave while the search goes on.
  return Object.assign(Object.create(search) as Search, looking);
}

// The framework's own allowance for float error: with less, what lies on the edge of the ball would go unseen.
const allowance = (eps: number): number => eps * (1 + 1e-5) + 1e-6;

function sight({ model, route }: Workbench, { clean, ids, threat, bounds }: Search, inputs: Tensor, labels: ReadonlyMap<number, number>): Sighting {
  const adversarial = tidy(() => {
    const truth = tensor1d(Array.from(ids, (id) => labels.get(id)!), 'int32');
    const wrong = notEqual(argMax(model.forward(inputs, evaluation(route)), 1), truth);
    const inBall = lessEqual(threat.distance(inputs, clean), allowance(threat.eps));
    const inBox = lessEqual(linf(0).distance(threat.project(inputs, inputs, bounds), inputs), 0);
    return keep(cast(logicalAnd(wrong, logicalAnd(inBall, inBox)), 'int32'));
  });
  return { ids: Int32Array.from(ids), adversarial };
}
