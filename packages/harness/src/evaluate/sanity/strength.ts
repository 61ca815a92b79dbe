import { brokenBy, brokenRows, type SuiteOutcome, type SuitePart } from '../suite.ts';
import { countTrue, discordant, type Finding, skipped, tolerance } from './check.ts';

type Strength = 'gradient-free' | 'single step' | 'iterative';

/** What kind of attack it was, told by what it did: the most gradients that any row took. */
export function strengthOf({ attacked }: SuitePart): Strength {
  const most = attacked.gradientCalls.reduce((a, b) => Math.max(a, b), 0);
  return most === 0 ? 'gradient-free' : most === 1 ? 'single step' : 'iterative';
}

const ofStrength = (outcome: SuiteOutcome, strength: Strength): SuitePart[] => outcome.parts.filter((part) => strengthOf(part) === strength);

/** Attacks that check each other: on the same rows, all of them. */
export type Panel = SuiteOutcome;

/** S13: every iterative attack breaks at least what a single step breaks. A row that one step broke tells nothing of steps. */
export function iterativeNotWeaker(panel: Panel): Finding {
  const single = ofStrength(panel, 'single step');
  const iterative = ofStrength(panel, 'iterative');
  if (single.length === 0 || iterative.length === 0) return skipped('S13', 'no example is classified correctly, or none took gradients');
  const pairs = iterative.flatMap((many) => single.map((one) => compare(many, one)));
  const worst = pairs.reduce((a, b) => (b.value - b.threshold > a.value - a.threshold ? b : a));
  return { id: 'S13', status: worst.value > worst.threshold ? 'fail' : 'pass', n: panel.breaker.length, ...worst };
}

function compare(many: SuitePart, one: SuitePart): Pick<Finding, 'value' | 'threshold' | 'note'> & { value: number; threshold: number } {
  const [a, b] = [many.attacked.broken, one.attacked.broken];
  return {
    value: (countTrue(b) - countTrue(a)) / Math.max(1, a.length),
    threshold: tolerance(a, b),
    note: `accuracy under ${many.attack.id} minus accuracy under ${one.attack.id}`,
  };
}

/** S14, within a suite: random points of the ball break hardly anything that attacks with gradients do not. */
export function noiseWeaker(panel: Panel): Finding {
  const noise = panel.parts.filter(({ attack }) => attack.id === 'noise');
  const white = panel.parts.filter((part) => strengthOf(part) !== 'gradient-free');
  if (noise.length === 0 || white.length === 0) return skipped('S14', 'the suite lacks noise or an attack with gradients');
  const n = panel.breaker.length;
  const [byNoise, byGradient] = [union(noise, n), union(white, n)];
  const only = discordant(byNoise, byGradient).onlyFirst;
  const excess = (countTrue(byNoise) - countTrue(byGradient)) / Math.max(1, n);
  const fine = excess <= tolerance(byNoise, byGradient) && only <= Math.max(1, 0.002 * n);
  const note = `accuracy under attacks with gradients minus accuracy under noise; ${only} rows broken by noise only (at most one, or 0.2 %)`;
  return { id: 'S14', status: fine ? 'pass' : 'fail', value: excess, threshold: tolerance(byNoise, byGradient), n, note };
}

/** Rows that any of these attacks broke. */
export function union(parts: readonly SuitePart[], count: number): boolean[] {
  const each = parts.map((part) => brokenBy(part, count));
  return Array.from({ length: count }, (_, row) => each.some((broken) => broken[row]));
}

/** Rows that attacks with gradients broke. */
export const brokenByGradients = (outcome: SuiteOutcome): boolean[] => union(outcome.parts.filter((part) => strengthOf(part) !== 'gradient-free'), outcome.breaker.length);

/** Accuracy at rising budgets, the same rows at each. */
export type Sweep = readonly { readonly eps: number; readonly broken: readonly boolean[] }[];

/** S18: a larger budget does not give a higher accuracy, though each is attacked anew. */
export function monotoneInEps(sweeps: readonly Sweep[]): Finding {
  const steps = sweeps.flatMap((sweep) => sweep.slice(1).map((larger, i) => ({ smaller: sweep[i]!, larger })));
  if (steps.length === 0) return skipped('S18', 'only one budget was tried');
  const rises = steps.map(({ smaller, larger }) => ({
    value: (countTrue(smaller.broken) - countTrue(larger.broken)) / Math.max(1, larger.broken.length),
    threshold: tolerance(smaller.broken, larger.broken),
    note: `largest rise of accuracy with eps, from ${smaller.eps} to ${larger.eps}`,
  }));
  const worst = rises.reduce((a, b) => (b.value - b.threshold > a.value - a.threshold ? b : a));
  const n = steps[0]!.larger.broken.length;
  return { id: 'S18', status: worst.value > worst.threshold ? 'fail' : 'pass', n, ...worst };
}

/** The suite's outcomes as a sweep over their budgets. */
export const sweepOf = (outcomes: readonly SuiteOutcome[]): Sweep =>
  outcomes.map((outcome) => ({ eps: outcome.threat.eps, broken: brokenRows(outcome) })).sort((a, b) => a.eps - b.eps);
