import { track, type TrackedStep } from '@robustjs/attacks';
import { type Attack, type Batch, linf, randomStream, runAttack, threatModel, type ThreatModel } from '@robustjs/core';
import { argMax, cast, equal, gather, lessEqual, logicalAnd, logicalNot, logicalOr, mul, notEqual, sum, tensor, tensor1d, tidy } from '@tensorflow/tfjs-core';
import type { Context } from '../context.ts';
import type { AttackRef } from '../engine/attack-ref.ts';
import { passOf } from '../engine/attack-task.ts';
import type { Task, Workbench } from '../engine/task.ts';
import { withZeroGradient } from '../gradient.ts';
import type { SuiteOutcome } from '../suite.ts';
import { type Finding, skipped } from './check.ts';

/** S23: every returned input keeps to the threat model, and the attack's verdict holds in a new forward pass. */
export function constraintsHold(outcomes: readonly SuiteOutcome[], randomized: boolean): Finding {
  const runs = outcomes.flatMap(({ parts }) => parts.map(({ attacked }) => attacked));
  const violations = runs.reduce((sum, run) => sum + run.violations, 0);
  const disagreements = runs.reduce((sum, run) => sum + run.disagreements, 0);
  const n = runs.reduce((sum, run) => sum + run.broken.length, 0);
  // A model that draws random numbers need not agree with itself.
  const bad = violations + (randomized ? 0 : disagreements);
  const note = `returned inputs outside budget or bounds: ${violations}; judged differently by a new forward pass: ${disagreements}`;
  return { id: 'S23', status: bad === 0 ? 'pass' : 'fail', value: bad, threshold: 0, n, note };
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
    const threat = threatModel(norm, eps);
    const hit = new Set<number>();
    const watched = track(attack, async (step) => {
      // What is no proposal may lie outside of the ball, and counts for nothing.
      if (step.probe) return;
      const broken = await brokenBy(bench, batch, step, threat);
      step.ids.forEach((id, row) => broken[row] && hit.add(id));
    });
    const random = randomStream(seed).split('S24');
    const model = flat ? withZeroGradient(bench.model) : bench.model;
    const result = await runAttack(watched, { ...batch, model, threat, random, route, ...(signal && { signal }) });
    result.adversarial.dispose();
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

// The framework's own allowance for float error: with less, what lies on the edge of the ball would go unseen.
const allowance = (eps: number): number => eps * (1 + 1e-5) + 1e-6;

/** Which rows a proposal breaks, by a forward pass of its own. */
async function brokenBy(bench: Workbench, batch: Batch, { ids, inputs: values }: TrackedStep, threat: ThreatModel): Promise<ArrayLike<number>> {
  const adversarial = tidy(() => {
    const places = tensor1d(Array.from(ids, (id) => batch.ids.indexOf(id)), 'int32');
    const [inputs, clean] = [tensor(values, [ids.length, ...bench.model.inputShape]), gather(batch.inputs, places)];
    const outputs = bench.model.forward(inputs, passOf(bench, 'S24'));
    const finite = equal(sum(mul(outputs, 0), 1), 0);
    const wrong = logicalOr(notEqual(argMax(outputs, 1), gather(batch.labels, places)), logicalNot(finite));
    const inBall = lessEqual(threat.distance(inputs, clean), allowance(threat.eps));
    const inBox = lessEqual(linf(0).distance(threat.project(inputs, inputs, bench.model.bounds), inputs), 0);
    return cast(logicalAnd(wrong, logicalAnd(inBall, inBox)), 'int32');
  });
  const flags = await adversarial.data();
  adversarial.dispose();
  return flags;
}
