import type { ThreatModel } from '@robustjs/core';
import type { CleanOutcome } from '../clean.ts';
import type { Context } from '../context.ts';
import type { CurvePart } from '../curve.ts';
import type { SuiteOutcome } from '../suite.ts';
import { constraintsHold, noSilentSuccess } from './attack-checks.ts';
import { countTrue, type Finding } from './check.ts';
import { gradientNotZero } from './gradient-checks.ts';
import { neutralAtZero, unconstrainedBreaks } from './limits.ts';
import { longerNotWeaker } from './longer.ts';
import { deterministic, logitsNotProbabilities, matchesClaim } from './model-checks.ts';
import { iterativeNotWeaker, monotoneInEps, noiseWeaker, strengthOf, sweepOf } from './strength.ts';
import { branchTransferWeaker } from './transfer.ts';

/** What the sanity checks look at. */
export interface SanityInput {
  readonly context: Context;
  readonly threat: ThreatModel;
  readonly clean: CleanOutcome;
  readonly claim: number | undefined;
  /** Positions of examples, correct or not. */
  readonly rows: Int32Array;
  /** Positions of examples that are correct without an attack. */
  readonly correctRows: Int32Array;
  /** The suite at every budget; the last ranks. */
  readonly outcomes: readonly SuiteOutcome[];
  readonly curve: readonly CurvePart[];
}

// Checks that attack anew do so on so many rows: enough to see a fault, a small part of what the suite costs.
const ROWS = 100;
// S24 doubles the forward passes of whole attacks.
const WATCHED_ROWS = 32;

/** All checks but those about weights (S01) and the existence of a gradient (S05), which bracket the evaluation. */
export async function sanityFindings(input: SanityInput): Promise<Finding[]> {
  const { context, threat, clean, claim, outcomes, curve } = input;
  const rows = input.rows.subarray(0, ROWS);
  const correct = input.correctRows.subarray(0, ROWS);
  const ranking = outcomes.at(-1)!;
  const withGradient = ranking.parts.filter((part) => strengthOf(part) !== 'gradient-free').map(({ attack }) => attack);
  return [
    await deterministic(context, rows),
    logitsNotProbabilities(clean),
    matchesClaim(countTrue(clean.correct), clean.correct.length, claim),
    await gradientNotZero(context, correct, threat),
    await longerNotWeaker(context, correct, threat),
    worstOf(outcomes.map(iterativeNotWeaker)),
    worstOf(outcomes.map(noiseWeaker)),
    await branchTransferWeaker(context, correct, threat, ranking),
    monotoneInEps([sweepOf(outcomes), curve]),
    await neutralAtZero(context, correct, threat.norm),
    await unconstrainedBreaks(context, correct),
    constraintsHold(outcomes),
    await noSilentSuccess(context, correct.subarray(0, WATCHED_ROWS), withGradient, threat),
  ];
}

/** Of the same check at several budgets, one that failed, else one that was made, else any. */
const worstOf = (findings: readonly Finding[]): Finding =>
  findings.find(({ status }) => status === 'fail') ?? findings.findLast(({ status }) => status !== 'skipped') ?? findings[0]!;
