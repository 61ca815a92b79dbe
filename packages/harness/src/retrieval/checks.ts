import { box, evaluation, linf, randomStream, threatModel } from '@robustjs/core';
import { readBatch } from '@robustjs/datasets';
import { abs, dispose, grad, max, sub, sum, type Tensor, tensor1d, tidy } from '@tensorflow/tfjs-core';
import { countTrue, discordant, type Finding, skipped, tolerance } from '../evaluate/sanity/check.ts';
import { type AttackedQueries, attackQueries, type Ground, queryWork } from './attack-queries.ts';
import { queryAttack, type QueryAttack } from './attacks.ts';
import type { SuiteAt } from './branch.ts';
import { retrievalMargin } from './gallery.ts';

/** Queries that checks with attacks of their own look at, at most. */
const ROWS = 60;
const STEPS = 10;
const UNBOUNDED_STEPS = 60;

/** What the checks look at. */
export interface Checked {
  readonly ground: Ground;
  /** By budget, through the branch deployed. */
  readonly suites: readonly SuiteAt[];
  /** Adversarial queries of other branches, judged in the branch deployed: broken by those, by row. */
  readonly transferred: readonly boolean[] | undefined;
  readonly weights: { readonly before: string | null; readonly after: string | null };
}

/** The checks of the evaluation protocol that apply to retrieval. */
export async function retrievalChecks(checked: Checked): Promise<Finding[]> {
  const { ground, suites } = checked;
  const rows = (suites[0]?.rows ?? new Int32Array()).subarray(0, ROWS);
  if (rows.length === 0) return ['S01', 'S02', 'S06', 'S10', 'S13', 'S14', 'S16', 'S18', 'S19', 'S20', 'S23'].map((id) => skipped(id, 'no query retrieves its class'));
  const eps = suites.at(-1)!.threat;
  return [
    frozen(checked),
    await deterministic(ground, rows),
    await gradientNotZero(ground, rows),
    await longerNotWeaker(ground, rows, eps.norm, eps.eps),
    await manyStepsBeatOne(ground, rows, suites.at(-1)!),
    noiseWeaker(suites.at(-1)!),
    transferWeaker(suites.at(-1)!, checked.transferred),
    largerNotWeaker(suites),
    await zeroChangesNothing(ground, rows, eps.norm),
    await unboundedBreaks(ground, rows),
    constraintsHold(suites),
  ];
}

/** S01: attacks moved no weight and no statistic. */
const frozen = ({ weights: { before, after } }: Checked): Finding =>
  ({ id: 'S01', status: before === after ? 'pass' : 'fail', value: before === after ? 0 : 1, threshold: 0, n: 1, note: 'hash of weights and statistics before and after all attacks' });

/** S02: five passes over one batch give the same embeddings. */
async function deterministic({ model, route, dataset }: Ground, rows: Int32Array): Promise<Finding> {
  const { inputs, labels } = await readBatch(dataset, rows);
  const passes: Tensor[] = Array.from({ length: 5 }, () => model.forward(inputs, evaluation(route)));
  const gaps = await Promise.all(passes.slice(1).map(async (pass) => {
    const difference = tidy(() => max(abs(sub(pass, passes[0]!))));
    const [value = NaN] = await difference.data();
    difference.dispose();
    return value;
  }));
  dispose([inputs, labels, ...passes]);
  const value = Math.max(...gaps);
  return { id: 'S02', status: value <= 1e-4 ? 'pass' : 'fail', value, threshold: 1e-4, n: rows.length, note: 'largest difference of an embedding between five passes' };
}

/** S06: the gradient of what decides is not zero, at random starts. */
async function gradientNotZero({ model, route, dataset, gallery, seed }: Ground, rows: Int32Array): Promise<Finding> {
  const { inputs, labels, ids } = await readBatch(dataset, rows);
  const goals = tensor1d(rows, 'int32');
  const start = linf(0.01).randomStart(inputs, ids, randomStream(seed).split('S06'), model.bounds);
  const gradient = grad((x: Tensor) => sum(retrievalMargin(gallery)(model.forward(x, evaluation(route)), goals)))(start);
  const totals = tidy(() => sum(abs(gradient), inputs.shape.slice(1).map((_, axis) => axis + 1)));
  const zero = Array.from(await totals.data()).filter((value) => value === 0).length;
  dispose([inputs, labels, goals, start, gradient, totals]);
  const share = zero / rows.length;
  return { id: 'S06', status: share === 0 ? 'pass' : share > 0.05 ? 'fail' : 'warn', value: share, threshold: 0, n: rows.length, note: 'share of queries whose gradient is exactly zero' };
}

/** S10: with a fixed step length, twice the steps break all that half of them broke. */
async function longerNotWeaker(ground: Ground, rows: Int32Array, norm: string, eps: number): Promise<Finding> {
  const alpha = (2.5 * eps) / STEPS;
  const run = async (steps: number): Promise<AttackedQueries> => attackWith(ground, rows, queryAttack({ id: 'margin', options: { steps, alpha } }), threatModel(norm, eps));
  const [short, long] = [await run(STEPS), await run(2 * STEPS)];
  const lost = discordant(short.broken, long.broken).onlyFirst;
  const gain = (countTrue(long.broken) - countTrue(short.broken)) / rows.length;
  const note = `queries that ${STEPS} steps break and ${2 * STEPS} do not; the longer attack gains ${(100 * gain).toFixed(1)} points`;
  return { id: 'S10', status: lost > 0 ? 'fail' : gain > 0.01 ? 'warn' : 'pass', value: lost, threshold: 0, n: rows.length, note };
}

/** S13: many steps break no less than one. */
async function manyStepsBeatOne(ground: Ground, rows: Int32Array, { parts, threat }: SuiteAt): Promise<Finding> {
  const iterated = parts.filter(({ attack }) => Number(attack.config['steps'] ?? 1) > 1);
  if (iterated.length === 0) return skipped('S13', 'no attack of the suite takes more than one step');
  const once = await attackWith(ground, rows, queryAttack({ id: 'margin', options: { steps: 1, alpha: Math.max(threat.eps, Number.MIN_VALUE) } }), threat);
  const union = once.broken.map((_, row) => iterated.some(({ attacked }) => attacked.broken[row]));
  const value = (countTrue(once.broken) - countTrue(union)) / rows.length;
  const allowed = tolerance(once.broken, union);
  return { id: 'S13', status: value <= allowed ? 'pass' : 'fail', value, threshold: allowed, n: rows.length, note: 'share broken by one step minus share broken by the attacks of many steps' };
}

/** S14: random points break hardly anything that gradients do not. */
function noiseWeaker({ parts, rows }: SuiteAt): Finding {
  const noise = parts.find(({ attack }) => attack.id === 'noise');
  if (noise === undefined) return skipped('S14', 'the suite has no random noise');
  const others = parts.filter((part) => part !== noise);
  const only = noise.attacked.broken.filter((broken, row) => broken && !others.some(({ attacked }) => attacked.broken[row])).length;
  const threshold = Math.ceil(0.002 * rows.length);
  return { id: 'S14', status: only <= threshold ? 'pass' : 'fail', value: only, threshold, n: rows.length, note: 'queries that random noise alone breaks' };
}

/** S16: what was made on the other branches breaks hardly anything that direct attacks do not. */
function transferWeaker({ breaker }: SuiteAt, transferred: readonly boolean[] | undefined): Finding {
  if (transferred === undefined) return skipped('S16', 'the network has one branch, so there is nothing to borrow from');
  const value = transferred.filter((broken, row) => broken && breaker[row]! < 0).length;
  const threshold = Math.ceil(0.005 * breaker.length);
  return { id: 'S16', status: value <= threshold ? 'pass' : 'fail', value, threshold, n: breaker.length, note: 'queries that examples made on other branches break in the one deployed, and direct attacks do not' };
}

/** S18: a larger budget leaves no more queries standing. */
function largerNotWeaker(suites: readonly SuiteAt[]): Finding {
  if (suites.length < 2) return skipped('S18', 'one budget only');
  const sorted = [...suites].sort((a, b) => a.threat.eps - b.threat.eps);
  const broken = sorted.map(({ breaker }) => breaker.map((part) => part >= 0));
  const rises = broken.slice(1).map((larger, i) => ({ rise: (countTrue(broken[i]!) - countTrue(larger)) / larger.length, allowed: tolerance(broken[i]!, larger) }));
  const worst = rises.reduce((a, b) => (b.rise - b.allowed > a.rise - a.allowed ? b : a));
  return { id: 'S18', status: worst.rise <= worst.allowed ? 'pass' : 'fail', value: worst.rise, threshold: worst.allowed, n: broken[0]!.length, note: 'largest rise of Recall@1 from one budget to the next' };
}

/** S19: with a budget of zero the queries stay as they are, and so does retrieval. */
async function zeroChangesNothing(ground: Ground, rows: Int32Array, norm: string): Promise<Finding> {
  const attacked = await attackWith(ground, rows, queryAttack({ id: 'margin', options: { steps: 2, alpha: 0.01 } }), threatModel(norm, 0));
  const value = attacked.changed + countTrue(attacked.broken);
  return { id: 'S19', status: value === 0 ? 'pass' : 'fail', value, threshold: 0, n: rows.length, note: 'queries changed or lost with eps 0' };
}

/** S20: without a budget nearly every query is lost. */
async function unboundedBreaks(ground: Ground, rows: Int32Array): Promise<Finding> {
  const threat = box(ground.model.bounds);
  const attack = queryAttack({ id: 'single-target', options: { steps: UNBOUNDED_STEPS, choice: 'nearest', restarts: 2 } });
  const margin = queryAttack({ id: 'margin', options: { steps: UNBOUNDED_STEPS } });
  const [first, second] = [await attackWith(ground, rows, attack, threat), await attackWith(ground, rows, margin, threat)];
  const share = first.broken.filter((broken, row) => !broken && !second.broken[row]).length / rows.length;
  return { id: 'S20', status: share <= 0.01 ? 'pass' : 'fail', value: share, threshold: 0.01, n: rows.length, note: 'share of queries that stand when any image is allowed' };
}

/** S23: returned queries keep to the budget, and plain arithmetic agrees with the attacks' verdicts. */
function constraintsHold(suites: readonly SuiteAt[]): Finding {
  const runs = suites.flatMap(({ parts }) => parts.map(({ attacked }) => attacked));
  const [violations, disagreements] = [runs.reduce((sum, run) => sum + run.violations, 0), runs.reduce((sum, run) => sum + run.disagreements, 0)];
  const bad = violations + disagreements;
  const n = runs.reduce((sum, run) => sum + run.broken.length, 0);
  return { id: 'S23', status: bad === 0 ? 'pass' : 'fail', value: bad, threshold: 0, n, note: `returned queries outside budget or bounds: ${violations}; judged otherwise in plain arithmetic: ${disagreements}` };
}

async function attackWith(ground: Ground, rows: Int32Array, attack: QueryAttack, threat: Parameters<typeof attackQueries>[3]): Promise<AttackedQueries> {
  const work = queryWork(ground, rows, attack);
  try {
    return await attackQueries(ground, rows, work, threat);
  } finally {
    work.dispose();
  }
}
