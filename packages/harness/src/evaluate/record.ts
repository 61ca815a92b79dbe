import type { Dataset } from '@robustjs/datasets';
import { getBackend, version_core as tfjs } from '@tensorflow/tfjs-core';
import type { CleanOutcome } from './clean.ts';
import { type CurvePart, standing } from './curve.ts';
import type { Accuracy, Entry, EntryAbout, EntryAttack, EntryEvaluation } from './entry.ts';
import type { ExampleRecord } from './examples.ts';
import type { Found } from './found.ts';
import { PUBLISHED_SIZE } from './published-size.ts';
import { rowsHash } from './hashes.ts';
import type { EvaluationOptions, Settings } from './options.ts';
import { distancesOf } from './recheck.ts';
import { countTrue, type SanityCheck } from './sanity/check.ts';
import { strengthOf } from './sanity/strength.ts';
import { verdictOf } from './sanity/verdict.ts';
import type { Subject } from './subject.ts';
import type { SuiteOutcome } from './suite.ts';
import { packageVersions } from './versions.ts';
import { wilson } from './wilson.ts';

/** Everything that was measured. Rows count the examples in the order of evaluation. */
export interface Measured {
  readonly subject: Subject;
  readonly dataset: Dataset;
  readonly settings: Settings;
  readonly weightsSha256: string | null;
  readonly clean: CleanOutcome;
  /** Positions of all examples in their data set. */
  readonly rows: Int32Array;
  /** Rows under attack: the leading ones that are correct without one. */
  readonly attackedRows: Int32Array;
  readonly outcomes: readonly SuiteOutcome[];
  readonly curve: readonly CurvePart[];
  /** What was broken within the last budget, by whatever attack. */
  readonly found: Found;
  readonly sanity: readonly SanityCheck[];
  /** Positions of the rows in the whole data set. */
  readonly positions: Int32Array;
  /** Rows that robust accuracy counts, in the order of the whole data set. */
  readonly counted: readonly number[];
  /** What robust accuracy is about, for each outcome: inputs of the counted rows. */
  readonly adversarial: readonly Float32Array[];
  /** Correct examples in each draw, for a model that draws random numbers by design. */
  readonly draws: { readonly clean: readonly number[]; readonly robust: readonly (readonly number[])[] } | undefined;
  readonly stochastic: boolean;
}

const accuracy = (correct: number, n: number): Accuracy => ({ correct, n, ci95: wilson(correct, n) });

/** The mean over draws where there are some. */
function drawn(correct: number, n: number, draws: readonly number[] | undefined): Accuracy {
  if (draws === undefined) return accuracy(correct, n);
  return { ...accuracy(Math.round(draws.reduce((sum, count) => sum + count, 0) / draws.length), n), draws: [...draws] };
}

/** The record of what was measured. */
export async function entryOf(measured: Measured, options: EvaluationOptions): Promise<Entry> {
  const { dataset, settings, clean, outcomes, sanity } = measured;
  const about = { ...UNKNOWN, ...options.about };
  return {
    schema: 2,
    id: options.id ?? 'custom',
    method: about.method,
    ...(about.paper && { paper: about.paper }),
    reconstruction: about.reconstruction,
    dataset: { id: dataset.id, split: dataset.split, n: dataset.size, sha256: await dataset.hash() },
    model: modelRecord(measured, about, options.forwardPasses ?? 1),
    additionalData: about.additionalData,
    ...(about.training && { training: about.training }),
    protocol: { suite: options.suite ?? null, mode: settings.mode, checks: settings.checks, randomized: settings.randomized },
    clean: drawn(countTrue(clean.correct), dataset.size, measured.draws?.clean),
    evaluations: await Promise.all(outcomes.map((outcome, i) => evaluationRecord(measured, outcome, i))),
    ...(settings.curve && { curve: curveRecord(measured, settings.curve) }),
    reported: about.reported,
    sanity: [...sanity],
    ...verdictOf(sanity),
    flags: flagsOf(measured),
    runtime: runtimeRecord(options.runtime),
    versions: packageVersions(about.method.version === '' ? undefined : about.method.version, options.versions),
  };
}

const UNKNOWN: EntryAbout = {
  method: { id: 'unknown', package: '', version: '', options: {} },
  reconstruction: false,
  architecture: 'unknown',
  preprocessing: 'none',
  additionalData: false,
  reported: null,
};

function runtimeRecord(runtime: EvaluationOptions['runtime']): Entry['runtime'] {
  const { id, version, variant } = runtime ?? { id: getBackend(), version: tfjs, variant: 'unknown' };
  return { id, version, variant };
}

function modelRecord({ subject, settings, weightsSha256, sanity, stochastic }: Measured, about: EntryAbout, forwardPasses: number): Entry['model'] {
  const { model, parameterCount } = subject;
  return {
    architecture: about.architecture,
    parameters: parameterCount,
    weightsSha256,
    inputShape: [...model.inputShape],
    bounds: [...model.bounds],
    preprocessing: about.preprocessing,
    forwardPasses,
    stochastic,
    testTimeOptimization: sanity.some(({ id, status }) => id === 'S30' && status === 'fail'),
    branches: [...model.branches],
    deployedBranch: settings.route.branch,
  };
}

async function evaluationRecord(measured: Measured, outcome: SuiteOutcome, index: number): Promise<EntryEvaluation> {
  const { settings, attackedRows, subject } = measured;
  const n = settings.attacked;
  const attacks = outcome.parts.map(({ attack, configHash, attacked, places }, place): EntryAttack => ({
    id: attack.id,
    config: JSON.parse(JSON.stringify(attack.config)) as Record<string, unknown>,
    configHash,
    seed: settings.seed,
    gradientCalls: total(attacked.gradientCalls),
    queries: total(attacked.queries),
    rows: places.length,
    brokenAlone: countTrue(attacked.broken),
    brokenUnion: outcome.breaker.filter((part) => part >= 0 && part <= place).length,
  }));
  const standingRows = attackedRows.length - attacks.at(-1)!.brokenUnion;
  return {
    threat: { type: outcome.threat.norm, eps: outcome.threat.eps, box: [...subject.model.bounds], targeted: false },
    attacks,
    robust: { ...drawn(standingRows, n, measured.draws?.robust[index]), source: 'suite', ...(measured.draws && { standing: standingRows }) },
    ...(index === measured.outcomes.length - 1 && bestKnownRecord(measured, outcome)),
    advSha256: await rowsHash(measured.adversarial[index]!, measured.counted.map((row) => measured.dataset.ids[row]!)),
  };
}

/** What is left where anything else broke rows that the suite left standing. A single hit says little of a model that draws random numbers. */
function bestKnownRecord({ settings, attackedRows, found, stochastic }: Measured, { breaker }: SuiteOutcome): Pick<EntryEvaluation, 'bestKnown'> {
  const standing = Array.from(attackedRows).filter((_, place) => breaker[place]! < 0);
  const { broken, by } = found.among(standing);
  return stochastic || broken === 0 ? {} : { bestKnown: { ...accuracy(standing.length - broken, settings.attacked), by } };
}

const total = (values: Int32Array): number => values.reduce((sum, value) => sum + value, 0);

function curveRecord({ curve }: Measured, { attack, examples }: NonNullable<Settings['curve']>): NonNullable<Entry['curve']> {
  const left = standing(curve);
  const points = curve.map(({ eps }, i) => ({ eps, ...accuracy(left[i]!, examples) }));
  return { attack: attack.id, n: examples, points };
}

// A network that is right on so many images by itself is rare; one that was shown no others is not.
const MANY = 100;

function flagsOf({ settings, dataset, clean, outcomes, sanity, stochastic }: Measured): string[] {
  const parts = outcomes.flatMap((outcome) => outcome.parts);
  const raised: Readonly<Record<string, boolean>> = {
    'small-sample': settings.attacked < PUBLISHED_SIZE,
    'all-correct': dataset.id === 'custom' && dataset.size >= MANY && clean.correct.every(Boolean),
    'nothing-to-attack': parts.every(({ attacked }) => attacked.broken.length === 0),
    'no-iterative-attack': parts.every((part) => strengthOf(part) !== 'iterative'),
    'no-noise': settings.checks === 'quick' && settings.mode === 'alone' && parts.every(({ attack }) => attack.id !== 'noise'),
    'not-converged': sanity.some(({ id, status }) => id === 'S10' && status === 'warn'),
    'not-finite': clean.notFinite > 0,
    'gradient-attacks-left-out': settings.leftOut.length > 0,
    'not-deterministic': stochastic,
  };
  return Object.keys(raised).filter((flag) => raised[flag]);
}

/** What became of each example, in the order of the data set. */
export async function exampleRecords({ dataset, rows, settings, clean, attackedRows, outcomes, positions, adversarial, counted }: Measured): Promise<ExampleRecord[]> {
  const places = new Map(Array.from(attackedRows, (row, i) => [row, i]));
  const spots = new Map(counted.map((row, i) => [row, i]));
  const cleanInputs = await dataset.read(counted);
  const size = cleanInputs.length / Math.max(1, counted.length);
  const at = (values: Float32Array, row: number): Float32Array => values.subarray(spots.get(row)! * size, (spots.get(row)! + 1) * size);
  return Array.from(rows)
    .sort((a, b) => positions[a]! - positions[b]!)
    .map((row) => {
      const place = places.get(row);
      const outcomeOf = (outcome: SuiteOutcome, i: number): ExampleRecord['outcomes'][number] => {
        const breaker = place === undefined ? -1 : outcome.breaker[place]!;
        return {
          eps: outcome.threat.eps,
          robust: place !== undefined && breaker < 0,
          brokenBy: outcome.parts[breaker]?.attack.id ?? null,
          distances: breaker < 0 ? null : distancesOf(at(adversarial[i]!, row), at(cleanInputs, row)),
        };
      };
      return {
        index: positions[row]!,
        id: dataset.ids[row]!,
        label: dataset.labels[row]!,
        predicted: clean.predicted[row]!,
        clean: clean.correct[row]!,
        outcomes: row < settings.attacked ? outcomes.map(outcomeOf) : [],
      };
    });
}
