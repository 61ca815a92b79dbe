import type { Model } from '@robustjs/core';
import type { Dataset } from '@robustjs/datasets';
import type { Accuracy, EntryAttack } from '../evaluate/index.ts';
import { rowsHash } from '../evaluate/hashes.ts';
import { PUBLISHED_SIZE } from '../evaluate/published-size.ts';
import { countTrue, type Finding } from '../evaluate/sanity/check.ts';
import { verdictOf } from '../evaluate/sanity/verdict.ts';
import { packageVersions } from '../evaluate/versions.ts';
import { wilson } from '../evaluate/wilson.ts';
import type { CleanRetrieval, SuiteAt } from './branch.ts';
import { untrainedBranches } from './branch-statistics.ts';
import type { RetrievalEntry, RetrievalEvaluation, RetrievalScores } from './entry.ts';
import type { MeasuredBranch, RetrievalOptions } from './evaluate.ts';

/** Everything that was measured. */
export interface MeasuredRetrieval {
  readonly model: Model;
  readonly train: Dataset;
  readonly test: Dataset;
  /** The one deployed first. */
  readonly branches: readonly MeasuredBranch[];
  readonly sanity: readonly Finding[];
  readonly weightsSha256: string | null;
  readonly geometry: RetrievalEntry['geometry'];
}

const accuracy = (correct: number, n: number): Accuracy => ({ correct, n, ci95: wilson(correct, n) });

/** The record of what was measured. */
export async function retrievalRecord(measured: MeasuredRetrieval, options: RetrievalOptions): Promise<RetrievalEntry> {
  const { model, train, test, branches, geometry } = measured;
  const { about, runtime, seed } = options;
  const { architecture, preprocessing, ...rest } = about;
  const [deployed] = branches as [MeasuredBranch, ...MeasuredBranch[]];
  const untrained = await untrainedBranches(model);
  const sanity = measured.sanity.map((finding) => ({ ...finding, seed }));
  return {
    schema: 1,
    track: 'metric-learning',
    id: options.id,
    ...rest,
    dataset: {
      id: test.id, split: test.split, n: test.size, classes: classesOf(test), sha256: await test.hash(),
      training: { n: train.size, classes: classesOf(train), sha256: await train.hash() },
    },
    model: {
      architecture,
      parameters: model.parameters.reduce((count, { variable }) => count + variable.size, 0),
      weightsSha256: measured.weightsSha256,
      inputShape: [...model.inputShape],
      bounds: [...model.bounds],
      preprocessing,
      forwardPasses: 1,
      stochastic: sanity.some(({ id, status }) => id === 'S02' && status === 'fail'),
      testTimeOptimization: false,
      branches: [...model.branches],
      deployedBranch: deployed.branch,
      dimensions: deployed.ground.gallery.dimensions,
    },
    loss: { id: options.loss.id, preset: options.loss.preset },
    clean: scoresOf(deployed.clean),
    geometry,
    queries: cleanQueries(deployed),
    evaluations: await Promise.all(deployed.suites.map((suite) => evaluationOf(suite, deployed, options))),
    branches: branches.length === 1 ? [] : await Promise.all(branches.map(async (branch) => ({
      branch: branch.branch, clean: scoresOf(branch.clean), queries: cleanQueries(branch), evaluation: await evaluationOf(branch.suites.at(-1)!, branch, options),
      ...(untrained.includes(branch.branch) && { untrained: true as const }),
    }))),
    ...(branches.length > 1 && { worstBranch: worstBranch(branches) }),
    sanity,
    ...verdictOf(sanity),
    flags: [...(deployed.queries.length < PUBLISHED_SIZE ? ['small-sample'] : []), ...(untrained.length > 0 ? ['branch-untrained'] : [])],
    runtime: { id: runtime.id, version: runtime.version, variant: runtime.variant },
    versions: packageVersions(about.method.version === '' ? undefined : about.method.version),
  };
}

const classesOf = ({ labels }: Dataset): number => new Set(labels).size;

const cleanQueries = ({ clean, queries }: MeasuredBranch): Accuracy => accuracy(Array.from(queries).filter((row) => clean.nearestIsRight[row]).length, queries.length);

const scoresOf = ({ recall, rPrecision, mapAtR, queries }: CleanRetrieval): RetrievalScores => ({
  recall1: accuracy(Math.round(recall[1]! * queries), queries),
  recall: Object.fromEntries(Object.entries(recall)),
  rPrecision,
  mapAtR,
});

async function evaluationOf(suite: SuiteAt, { queries, ground }: MeasuredBranch, { seed }: RetrievalOptions): Promise<RetrievalEvaluation> {
  const { threat, rows, parts, breaker } = suite;
  const total = (values: Int32Array): number => values.reduce((sum, value) => sum + value, 0);
  const attacks = parts.map(({ attack, configHash, attacked }, place): EntryAttack => ({
    id: attack.id,
    config: JSON.parse(JSON.stringify(attack.config)) as Record<string, unknown>,
    configHash,
    seed,
    gradientCalls: total(attacked.gradientCalls),
    queries: total(attacked.queries),
    rows: rows.length,
    brokenAlone: countTrue(attacked.broken),
    brokenUnion: breaker.filter((part) => part >= 0 && part <= place).length,
  }));
  return {
    threat: { type: threat.norm, eps: threat.eps, box: [...ground.model.bounds] },
    attacks,
    robust: accuracy(breaker.filter((part) => part < 0).length, queries.length),
    advSha256: await adversarialHash(suite, queries, ground.dataset),
  };
}

async function adversarialHash({ rows, parts, breaker }: SuiteAt, queries: Int32Array, dataset: Dataset): Promise<string> {
  const values = await dataset.read(queries);
  const size = values.length / Math.max(1, queries.length);
  const places = new Map(Array.from(rows, (row, place) => [row, place]));
  queries.forEach((row, i) => {
    const place = places.get(row);
    const part = place === undefined ? -1 : breaker[place]!;
    if (part >= 0) values.set(parts[part]!.attacked.inputs[place!]!, i * size);
  });
  return rowsHash(values, Array.from(queries, (row) => dataset.ids[row]!));
}

/** Queries right in every branch, whatever was tried there. */
function worstBranch(branches: readonly MeasuredBranch[]): Accuracy {
  const [first] = branches as [MeasuredBranch, ...MeasuredBranch[]];
  const standing = branches.map(({ suites }) => {
    const { rows, breaker } = suites.at(-1)!;
    return new Set(Array.from(rows).filter((_, place) => breaker[place]! < 0));
  });
  return accuracy(Array.from(first.queries).filter((row) => standing.every((rows) => rows.has(row))).length, first.queries.length);
}
