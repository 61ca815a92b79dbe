import { RobustError, type ThreatModel } from '@robustjs/core';
import { attackRows } from '../attack-rows.ts';
import type { CleanOutcome } from '../clean.ts';
import type { Context } from '../context.ts';
import type { CurvePart } from '../curve.ts';
import { attackNamed } from '../engine/attack-ref.ts';
import { runSuite, type SuiteOutcome } from '../suite.ts';
import { constraintsHold, noSilentSuccess } from './attack-checks.ts';
import { countTrue, type Finding, skipped } from './check.ts';
import { decisionWeaker } from './decision.ts';
import { gradientCorrect } from './finite-differences.ts';
import { frozenNotStronger } from './frozen.ts';
import { gradientNotZero } from './gradient-checks.ts';
import { brokenWithGradients, noiseOnSurvivors, squareOnSurvivors, type Survivors, survivorsOf } from './gradient-free.ts';
import { greyImageBreaks, neutralAtZero, unconstrainedBreaks } from './limits.ts';
import { longerNotWeaker, restartsNotWeaker } from './longer.ts';
import { logitsNotProbabilities, matchesClaim, noInnerOptimization } from './model-checks.ts';
import { quantized, storedInputsBreak } from './stored.ts';
import { iterativeNotWeaker, monotoneInEps, noiseWeaker, strengthOf, sweepOf } from './strength.ts';
import { lossStable } from './surface.ts';
import { targetedNotStronger } from './targeted.ts';
import { objectiveRises } from './trace.ts';
import { transferWeaker, undefendedBreaks } from './transfer.ts';
import { attacksValidated } from './validation.ts';

/** What the sanity checks look at. */
export interface SanityInput {
  readonly context: Context;
  readonly threat: ThreatModel;
  readonly clean: CleanOutcome;
  readonly claim: number | undefined;
  /** All of the data set is evaluated. */
  readonly whole: boolean;
  /** Positions of examples, correct or not. */
  readonly rows: Int32Array;
  /** Positions of examples that are correct without an attack. */
  readonly correctRows: Int32Array;
  /** Examples that robust accuracy counts. */
  readonly n: number;
  /** The suite at every budget; the last ranks. */
  readonly outcomes: readonly SuiteOutcome[];
  readonly curve: readonly CurvePart[];
  readonly mode: 'alone' | 'cascade';
  readonly checks: 'full' | 'quick';
  /** Evaluated as a model that draws random numbers, whose passes need not agree. */
  readonly randomized: boolean;
  readonly approximateGradient: boolean;
  readonly forwardPasses: number;
}

// Checks that attack anew do so on so many rows: enough to see a fault, a small part of what the suite costs.
const ROWS = 100;
// Fewer for those that cost hundreds of passes a row, and fewest for one that takes thousands.
const SOME = 50;
const FEW = 10;
// S24 doubles the forward passes of whole attacks.
const WATCHED_ROWS = 32;
const SURVIVORS = 200;
const STEPS = { full: 50, quick: 20 } as const;

/** All checks but those about weights (S01), determinism (S02) and the existence of a gradient (S05), which come before. */
export async function sanityFindings(input: SanityInput): Promise<Finding[]> {
  const { context, threat, clean, claim, outcomes, curve, checks, n } = input;
  const correct = input.correctRows.subarray(0, ROWS);
  const some = correct.subarray(0, SOME);
  const ranking = outcomes.at(-1)!;
  const withGradient = ranking.parts.filter((part) => strengthOf(part) !== 'gradient-free').map(({ attack }) => attack);
  const seeing = !context.flat;
  const full = async (id: string, make: () => Promise<Finding>): Promise<Finding> => (checks === 'full' ? orRefused(id, make) : skipped(id, 'left out of quick checks'));
  const brokenDrawing = async (attack: ReturnType<typeof attackNamed>): Promise<readonly boolean[]> => {
    const { norm, eps } = threat;
    return (await attackRows(context, some.subarray(0, 20), { attack, threat: { norm, eps }, stream: ['S26'], step: { part: 'sanity', name: 'S26', eps } })).broken;
  };
  const gradients = checks === 'full' ? brokenWithGradients(context, ranking, input.correctRows) : Promise.resolve([]);
  const survivors = gradients.then((broken) => survivorsOf(ranking, broken, input.correctRows, SURVIVORS));
  const findings = await Promise.all([
    gradientNotZero(context, correct, threat),
    gradientCorrect(context, some, input.approximateGradient),
    lossStable(context, some),
    objectiveRises(context, correct, threat.norm, threat.eps),
    longerNotWeaker(context, correct, threat, STEPS[checks]),
    full('S12', () => restartsNotWeaker(context, some, threat)),
    strengthChecks(input, correct, survivors),
    full('S15', async () => squareOnSurvivors(context, await survivors, ranking, await gradients)),
    transferWeaker(context, correct, threat, ranking),
    full('S17', () => decisionWeaker(context, correct.subarray(0, FEW), threat, ranking)),
    neutralAtZero(context, correct, threat.norm),
    unconstrainedBreaks(context, correct),
    greyImageBreaks(context, correct),
    full('S22', () => targetedNotStronger(context, some, threat)),
    noSilentSuccess(context, correct.subarray(0, WATCHED_ROWS), seeing ? withGradient : [], threat),
    quantized(context, input.correctRows, ranking, n),
    frozenNotStronger(context, some.subarray(0, 20), threat, brokenDrawing),
    undefendedBreaks(context, correct, threat),
    attacksValidated(context, ranking, input.rows.subarray(0, 1)),
    storedInputsBreak(context, input.correctRows, ranking, n),
    noInnerOptimization(context, input.rows, input.forwardPasses),
  ]);
  const judged = [
    logitsNotProbabilities(clean),
    matchesClaim(countTrue(clean.correct), clean.correct.length, claim, input.whole),
    monotoneInEps([sweepOf(outcomes), curve]),
    constraintsHold(outcomes, input.randomized),
  ];
  return [...judged, ...findings.flat()];
}

/** Some attacks are made for images, or for certain norms: a check whose attack refuses is not made. */
async function orRefused(id: string, make: () => Promise<Finding>): Promise<Finding> {
  try {
    return await make();
  } catch (error) {
    if (error instanceof RobustError && /^RJS_ATTACK_/.test(error.code)) return skipped(id, `its attack does not apply: ${error.message}`);
    throw error;
  }
}

/** S13 and S14: on the suite itself where it ran on all rows, else, or besides, on attacks made for the purpose. */
async function strengthChecks({ context, threat, outcomes, mode, checks }: SanityInput, correct: Int32Array, survivors: Promise<Survivors>): Promise<Finding[]> {
  const own = mode === 'alone' ? outcomes : [];
  const missing = own.length === 0 || (checks === 'full' && iterativeNotWeaker(own.at(-1)!).status === 'skipped');
  const attacks = [attackNamed('fgsm'), attackNamed('pgd', { steps: 20 }), attackNamed('noise', { draws: 100 })];
  const panel = missing && correct.length > 0 ? [await runSuite(context, correct, { attacks, threat, mode: 'alone', pictures: 0, part: 'sanity' })] : [];
  const many = checks === 'full' ? [await noiseOnSurvivors(context, await survivors)] : [];
  const none = (id: string): Finding[] => [skipped(id, 'no example is classified correctly')];
  return [
    worstOf([...own, ...panel].map(iterativeNotWeaker).concat(own.length + panel.length === 0 ? none('S13') : [])),
    worstOf([...[...own, ...panel].map(noiseWeaker), ...many, ...(own.length + panel.length + many.length === 0 ? none('S14') : [])]),
  ];
}

/** Of the same check made several times, one that failed, else one that was made, else any. */
const worstOf = (findings: readonly Finding[]): Finding =>
  findings.find(({ status }) => status === 'fail') ?? findings.findLast(({ status }) => status !== 'skipped') ?? findings[0]!;
