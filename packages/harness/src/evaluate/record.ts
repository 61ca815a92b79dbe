import type { Dataset } from '@robustjs/datasets';
import { getBackend, version_core as tfjs } from '@tensorflow/tfjs-core';
import type { CleanOutcome } from './clean.ts';
import { type CurvePart, standing } from './curve.ts';
import type { Accuracy, Entry, EntryAbout, EntryAttack, EntryEvaluation } from './entry.ts';
import type { ExampleRecord } from './examples.ts';
import { textHash, valuesHash } from './hashes.ts';
import type { EvaluationOptions, Settings } from './options.ts';
import { countTrue, type SanityCheck } from './sanity/check.ts';
import { strengthOf } from './sanity/strength.ts';
import { verdictOf } from './sanity/verdict.ts';
import type { Subject } from './subject.ts';
import { sourceOf, type SuiteOutcome } from './suite.ts';
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
  readonly sanity: readonly SanityCheck[];
}

const accuracy = (correct: number, n: number): Accuracy => ({ correct, n, ci95: wilson(correct, n) });

/** The record of what was measured. */
export async function entryOf(measured: Measured, options: EvaluationOptions): Promise<Entry> {
  const { dataset, settings, clean, outcomes, sanity } = measured;
  const about = { ...UNKNOWN, ...options.about };
  return {
    schema: 1,
    id: options.id ?? 'custom',
    method: about.method,
    ...(about.paper && { paper: about.paper }),
    reconstruction: about.reconstruction,
    dataset: { id: dataset.id, split: dataset.split, n: dataset.size, sha256: await dataset.hash() },
    model: modelRecord(measured, about),
    additionalData: about.additionalData,
    ...(about.training && { training: about.training }),
    clean: accuracy(countTrue(clean.correct), dataset.size),
    evaluations: await Promise.all(outcomes.map((outcome) => evaluationRecord(measured, outcome))),
    ...(settings.curve && { curve: curveRecord(measured, settings.curve) }),
    reported: about.reported,
    sanity: [...sanity],
    ...verdictOf(sanity),
    flags: flagsOf(measured),
    runtime: runtimeRecord(options.runtime),
    versions: packageVersions(about.method.version === '' ? undefined : about.method.version),
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

function modelRecord({ subject, settings, weightsSha256, sanity }: Measured, about: EntryAbout): Entry['model'] {
  const { model, parameterCount } = subject;
  return {
    architecture: about.architecture,
    parameters: parameterCount,
    weightsSha256,
    inputShape: [...model.inputShape],
    bounds: [...model.bounds],
    preprocessing: about.preprocessing,
    forwardPasses: 1,
    stochastic: sanity.some(({ id, status }) => id === 'S02' && status === 'fail'),
    testTimeOptimization: false,
    branches: [...model.branches],
    deployedBranch: settings.route.branch,
  };
}

async function evaluationRecord(measured: Measured, outcome: SuiteOutcome): Promise<EntryEvaluation> {
  const { settings, attackedRows, subject } = measured;
  const n = settings.attacked;
  const attacks = outcome.parts.map(({ attack, configHash, attacked }, place): EntryAttack => ({
    id: attack.id,
    config: JSON.parse(JSON.stringify(attack.config)) as Record<string, unknown>,
    configHash,
    seed: settings.seed,
    gradientCalls: total(attacked.gradientCalls),
    queries: total(attacked.queries),
    brokenAlone: countTrue(attacked.broken),
    brokenUnion: outcome.breaker.filter((part) => part >= 0 && part <= place).length,
  }));
  const standingRows = attackedRows.length - attacks.at(-1)!.brokenUnion;
  return {
    threat: { type: outcome.threat.norm, eps: outcome.threat.eps, box: [...subject.model.bounds], targeted: false },
    attacks,
    robust: { ...accuracy(standingRows, n), source: 'suite' },
    advSha256: await adversarialHash(measured, outcome),
  };
}

const total = (values: Int32Array): number => values.reduce((sum, value) => sum + value, 0);

/** Over the digests of all attacked examples; what was wrong from the start is its own adversarial example. */
async function adversarialHash({ dataset, rows, settings, attackedRows }: Measured, outcome: SuiteOutcome): Promise<string> {
  const places = new Map(Array.from(attackedRows, (row, i) => [row, i]));
  const digests: string[] = [];
  for (const row of rows.subarray(0, settings.attacked)) {
    const place = places.get(row);
    const digest = place === undefined ? await valuesHash(await dataset.read([row])) : sourceOf(outcome, place).attacked.digests[place]!;
    digests.push(`${dataset.ids[row]!}:${digest}`);
  }
  return textHash(digests.join('\n'));
}

function curveRecord({ curve }: Measured, { attack, examples }: NonNullable<Settings['curve']>): NonNullable<Entry['curve']> {
  const left = standing(curve);
  const points = curve.map(({ eps }, i) => ({ eps, ...accuracy(left[i]!, examples) }));
  return { attack: attack.id, n: examples, points };
}

const SMALL_SAMPLE = 500;

function flagsOf({ settings, clean, outcomes, sanity }: Measured): string[] {
  const parts = outcomes.flatMap((outcome) => outcome.parts);
  const raised: Readonly<Record<string, boolean>> = {
    'small-sample': settings.attacked < SMALL_SAMPLE,
    'nothing-to-attack': parts.every(({ attacked }) => attacked.broken.length === 0),
    'no-iterative-attack': parts.every((part) => strengthOf(part) !== 'iterative'),
    'no-noise': parts.every(({ attack }) => attack.id !== 'noise'),
    'not-converged': sanity.some(({ id, status }) => id === 'S10' && status === 'warn'),
    'not-finite': clean.notFinite > 0,
  };
  return Object.keys(raised).filter((flag) => raised[flag]);
}

/** What became of each example, in the order of evaluation. */
export function exampleRecords({ dataset, rows, settings, clean, attackedRows, outcomes }: Measured): ExampleRecord[] {
  const places = new Map(Array.from(attackedRows, (row, i) => [row, i]));
  return Array.from(rows, (row, index) => {
    const place = places.get(row);
    const outcomeOf = (outcome: SuiteOutcome): ExampleRecord['outcomes'][number] => {
      const breaker = place === undefined ? -1 : outcome.breaker[place]!;
      return { eps: outcome.threat.eps, robust: place !== undefined && breaker < 0, brokenBy: outcome.parts[breaker]?.attack.id ?? null };
    };
    return {
      id: dataset.ids[row]!,
      label: dataset.labels[row]!,
      predicted: clean.predicted[index]!,
      clean: clean.correct[index]!,
      outcomes: index < settings.attacked ? outcomes.map(outcomeOf) : [],
    };
  });
}
