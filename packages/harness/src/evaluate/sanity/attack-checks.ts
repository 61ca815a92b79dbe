import { type Attack, evaluation, linf, randomStream, runAttack, type Search, type ThreatModel } from '@robustjs/core';
import { argMax, cast, keep, lessEqual, logicalAnd, notEqual, type Tensor, tensor1d, tidy } from '@tensorflow/tfjs-core';
import { type Context, forBatches, type Rows } from '../context.ts';
import type { SuiteOutcome } from '../suite.ts';
import { type Finding, skipped } from './check.ts';

/** S23: every returned input keeps to the threat model, and the attack's verdict holds in a new forward pass. */
export function constraintsHold(outcomes: readonly SuiteOutcome[]): Finding {
  const runs = outcomes.flatMap(({ parts }) => parts.map(({ attacked }) => attacked));
  const violations = runs.reduce((sum, run) => sum + run.violations, 0);
  const disagreements = runs.reduce((sum, run) => sum + run.disagreements, 0);
  const n = runs.reduce((sum, run) => sum + run.broken.length, 0);
  const bad = violations + disagreements;
  const note = `returned inputs outside budget or bounds: ${violations}; judged differently by a new forward pass: ${disagreements}`;
  return { id: 'S23', status: bad === 0 ? 'pass' : 'fail', value: bad, threshold: 0, n, note };
}

/** What was seen of one proposal of an attack: which rows it would have broken. */
interface Sighting {
  readonly ids: Int32Array;
  readonly adversarial: Tensor;
}

/** S24: a row that an attack broke on its way comes back broken. Watches every proposal of every attack with gradients. */
export async function noSilentSuccess(context: Context, rows: Int32Array, attacks: readonly Attack[], threat: ThreatModel): Promise<Finding> {
  if (rows.length === 0 || attacks.length === 0) return skipped('S24', 'no example is classified correctly, or no attack takes gradients');
  let lost = 0;
  for (const attack of attacks) {
    await forBatches(context, rows, { part: 'sanity', name: 'S24', eps: threat.eps }, async (batch) => {
      lost += await silentSuccesses(context, batch, attack, threat);
    });
  }
  const note = 'rows that were adversarial on the way but came back as not broken';
  return { id: 'S24', status: lost === 0 ? 'pass' : 'fail', value: lost, threshold: 0, n: rows.length * attacks.length, note };
}

async function silentSuccesses(context: Context, batch: Rows, attack: Attack, threat: ThreatModel): Promise<number> {
  const { model, route, signal, seed } = context;
  const labels = new Map((await batch.labels.array()).map((label, row) => [batch.ids[row]!, label]));
  const seen: Sighting[] = [];
  const watched: Attack = { ...attack, search: (search) => attack.search(watch(search, (inputs) => seen.push(sight(context, search, inputs, labels)))) };
  const random = randomStream(seed).split('S24');
  const result = await runAttack(watched, { ...batch, model, threat, random, route, ...(signal && { signal }) });
  result.adversarial.dispose();
  const hit = new Set<number>();
  for (const { ids, adversarial } of seen) {
    const values = await adversarial.data();
    ids.forEach((id, row) => values[row] && hit.add(id));
    adversarial.dispose();
  }
  return batch.ids.filter((id, row) => hit.has(id) && !result.success[row]).length;
}

/** The same search, with someone looking at every proposal. */
function watch(search: Search, look: (inputs: Tensor) => void): Search {
  const looking = {
    gradient: (inputs: Tensor) => (look(inputs), search.gradient(inputs)),
    query: (inputs: Tensor) => (look(inputs), search.query(inputs)),
    offer: (inputs: Tensor) => (look(inputs), search.offer(inputs)),
  };
  // The prototype keeps the getters alive: rows leave while the search goes on.
  return Object.assign(Object.create(search) as Search, looking);
}

// The framework's own allowance for float error: with less, what lies on the edge of the ball would go unseen.
const allowance = (eps: number): number => eps * (1 + 1e-5) + 1e-6;

function sight({ model, route }: Context, { clean, ids, threat, bounds }: Search, inputs: Tensor, labels: ReadonlyMap<number, number>): Sighting {
  const adversarial = tidy(() => {
    const truth = tensor1d(Array.from(ids, (id) => labels.get(id)!), 'int32');
    const wrong = notEqual(argMax(model.forward(inputs, evaluation(route)), 1), truth);
    const inBall = lessEqual(threat.distance(inputs, clean), allowance(threat.eps));
    const inBox = lessEqual(linf(0).distance(threat.project(inputs, inputs, bounds), inputs), 0);
    return keep(cast(logicalAnd(wrong, logicalAnd(inBall, inBox)), 'int32'));
  });
  return { ids: Int32Array.from(ids), adversarial };
}
