import { MAIN, type Model, one, parseEps, RobustError, type Route, type Runtime } from '@robustjs/core';
import { type BenchmarkParts, type Dataset, subset } from '@robustjs/datasets';
import { clusteringNmi, density, type EmbeddingRows, spectralDecay } from '@robustjs/metric-learning';
import { encodeWeights } from '@robustjs/nn';
import { tensor } from '@tensorflow/tfjs-core';
import { wrong } from '../evaluate/errors.ts';
import { sha256 } from '../evaluate/hashes.ts';
import type { EntryAbout, EvaluationProgress, ExampleRecord } from '../evaluate/index.ts';
import { exampleOrder } from '../evaluate/order.ts';
import { distancesOf } from '../evaluate/recheck.ts';
import type { MetricRecipe } from '../metric-recipe.ts';
import { embeddingsAt, type Ground } from './attack-queries.ts';
import { queryAttack } from './attacks.ts';
import { cleanRetrieval, type CleanRetrieval, runSuite, type SuiteAt } from './branch.ts';
import { type BranchStatistic, branchStatistics } from './branch-statistics.ts';
import { retrievalChecks } from './checks.ts';
import type { Geometry, RetrievalEntry } from './entry.ts';
import { galleryOf } from './gallery.ts';
import { picturesOf, type Projection, projectionOf, type RetrievalPicture } from './pictures.ts';
import { lookUp } from './plain.ts';
import { type QueryThreadOptions, queryThreads } from './query-threads.ts';
import { retrievalRecord } from './record.ts';

/** How an embedding is evaluated. */
export interface RetrievalOptions extends QueryThreadOptions {
  /** Name of the record. */
  readonly id: string;
  readonly evaluation: MetricRecipe['evaluation'];
  readonly loss: Pick<MetricRecipe['loss'], 'id' | 'preset'>;
  readonly seed: number;
  /** Branch deployed. Default: main. */
  readonly route?: Route;
  readonly about: EntryAbout;
  readonly runtime: Pick<Runtime, 'id' | 'version' | 'variant'>;
  /** Queries to keep pictures of. Default 0. */
  readonly pictures?: number;
  /** Called as queries are done. */
  readonly onProgress?: (progress: EvaluationProgress) => void;
}

/** What an evaluation of an embedding comes to. */
export interface EvaluatedRetrieval {
  readonly entry: RetrievalEntry;
  /** What became of each test image, in the order of the data set; outcomes of those that were queries under attack. */
  readonly examples: readonly ExampleRecord[];
  readonly pictures: readonly RetrievalPicture[];
  readonly projection: Projection;
  readonly statistics: readonly BranchStatistic[];
}

/** What was measured through one branch. */
export interface MeasuredBranch {
  readonly branch: string;
  readonly ground: Ground;
  readonly clean: CleanRetrieval;
  /** Gallery rows of all queries under attack, right without an attack or not, in the order of evaluation. */
  readonly queries: Int32Array;
  readonly suites: readonly SuiteAt[];
}

// Training embeddings whose geometry is looked at, at most.
const GEOMETRY_ROWS = 2000;

/**
 * Measures how well images of classes never trained on are retrieved by their embeddings, and how well they still are when queries are attacked.
 * Every test image is a query among all others; attacked queries meet the clean gallery, their own copies left out. Each branch of the network is
 * attacked as if it were deployed, and the worst of them is recorded beside the one that is.
 *
 * @throws RobustError `RJS_RETRIEVAL_ATTACK`, `RJS_EPS`, `RJS_EVALUATE_OPTION` for a route that mixes branches, `RJS_METRIC_CLASSES` for test data
 * without two examples of a class, `RJS_METRIC_EMBEDDINGS` for embeddings that are not finite, `RJS_ABORTED`.
 */
export async function evaluateRetrieval(model: Model, { train, test }: Pick<BenchmarkParts, 'train' | 'test'>, options: RetrievalOptions): Promise<EvaluatedRetrieval> {
  const { evaluation, route = one(MAIN) } = options;
  if (route.kind !== 'one') throw wrong('OPTION', 'a route through one branch', route.kind, 'wrap the model where branches are mixed at test time');
  const attacks = evaluation.attacks.map(queryAttack);
  const budgets = [...new Set(evaluation.eps.map(parseEps))];
  const before = await weightsHash(model);
  const names = [route.branch, ...model.branches.filter((branch) => branch !== route.branch)];
  const branches: MeasuredBranch[] = [];
  const threads = await queryThreads(test, options, options);
  try {
    for (const branch of names) {
      // Branches that are not deployed are attacked at the budget that ranks.
      branches.push(await measureBranch(model, test, branch, branch === route.branch ? budgets : budgets.slice(-1), attacks, threads, options));
    }
    const [deployed] = branches as [MeasuredBranch, ...MeasuredBranch[]];
    const transferred = branches.length > 1 ? await transfer(deployed, branches.slice(1)) : undefined;
    options.onProgress?.({ kind: 'evaluate', part: 'sanity', name: 'checks', done: 0, total: 1 });
    const sanity = await retrievalChecks({ ground: deployed.ground, suites: deployed.suites, transferred, weights: { before, after: await weightsHash(model) } });
    const last = deployed.suites.at(-1)!;
    return {
      entry: await retrievalRecord({ model, train, test, branches, sanity, weightsSha256: before, geometry: await geometries(deployed.ground, train) }, options),
      examples: await examplesOf(deployed, test),
      pictures: await picturesOf(last, deployed.ground.gallery, test, options.pictures ?? 0),
      projection: projectionOf(deployed.ground.gallery, last),
      statistics: await branchStatistics(model),
    };
  } finally {
    for (const { ground } of branches) ground.gallery.dispose();
    await threads?.close();
  }
}

async function weightsHash(model: Model): Promise<string | null> {
  return model.parameters.length + model.buffers.length === 0 ? null : sha256(await encodeWeights(model));
}

async function measureBranch(model: Model, test: Dataset, branch: string, budgets: readonly number[], attacks: ReturnType<typeof queryAttack>[], threads: Ground['threads'], options: RetrievalOptions): Promise<MeasuredBranch> {
  const { evaluation, seed, signal, onProgress, route } = options;
  const deployed = (route?.kind === 'one' ? route.branch : MAIN) === branch;
  const at = { kind: 'one', branch } as const;
  const gallery = await galleryOf(model, at, test);
  try {
    const ground: Ground = { model, route: at, dataset: test, gallery, batchSize: evaluation.batchSize, seed, signal, threads };
    const clean = await cleanRetrieval(ground);
    const queries = exampleOrder(test).subarray(0, evaluation.queries ?? test.size);
    const rows = queries.filter((row) => clean.nearestIsRight[row]!);
    const named = (name: string): string => (deployed ? name : `${name}, branch ${branch}`);
    const suites = await runSuite(ground, {
      attacks, norm: evaluation.norm, budgets, rows,
      onProgress: (name, eps, done, total) => onProgress?.({ kind: 'evaluate', part: 'attack', name: named(name), eps, done, total }),
    });
    return { branch, ground, clean, queries, suites };
  } catch (error) {
    gallery.dispose();
    throw error;
  }
}

/** Which of the deployed branch's attacked queries are lost there by what was made on other branches. */
async function transfer({ ground, suites }: MeasuredBranch, others: readonly MeasuredBranch[]): Promise<boolean[]> {
  const { rows } = suites.at(-1)!;
  const lost = new Set<number>();
  for (const other of others) {
    const last = other.suites.at(-1)!;
    for (const { attacked } of last.parts) {
      const places = Array.from(last.rows, (row, place) => ({ row, place })).filter(({ row }) => !lost.has(row));
      for (let start = 0; start < places.length; start += ground.batchSize) {
        const part = places.slice(start, start + ground.batchSize);
        const values = Float32Array.from(part.flatMap(({ place }) => [...attacked.inputs[place]!]));
        const inputs = tensor(values, [part.length, ...ground.model.inputShape]);
        const embeddings = await embeddingsAt(ground, inputs);
        inputs.dispose();
        part.forEach(({ row }, i) => {
          const verdict = lookUp(embeddings[i]!, ground.gallery, row);
          if (verdict.lost && !verdict.tie) lost.add(row);
        });
      }
    }
  }
  return Array.from(rows, (row) => lost.has(row));
}

async function geometries({ model, route, gallery }: Ground, train: Dataset): Promise<RetrievalEntry['geometry']> {
  const sample = subset(train, exampleOrder(train).subarray(0, GEOMETRY_ROWS));
  const trained = await galleryOf(model, route, sample);
  trained.dispose();
  // Clusters of training classes would say nothing of unseen ones.
  return { train: geometryOf(trained, false), test: geometryOf(gallery, true) };
}

function geometryOf(rows: EmbeddingRows, clusters: boolean): Geometry {
  const classes = densityOf(rows);
  const decay = spectralDecay(rows);
  return { n: rows.labels.length, density: classes, spectralDecay: Number.isFinite(decay) ? decay : null, nmi: clusters && classes !== null ? clusteringNmi(rows) : null };
}

/** Null where no two embeddings of a class, or no two classes, have a direction. */
function densityOf(rows: EmbeddingRows): Geometry['density'] {
  try {
    return density(rows);
  } catch (error) {
    if (error instanceof RobustError && error.code === 'RJS_METRIC_CLASSES') return null;
    throw error;
  }
}

/** What became of every test image: retrieved without an attack, and, where it was a query under attack, with one. */
async function examplesOf({ ground, clean, queries, suites }: MeasuredBranch, test: Dataset): Promise<ExampleRecord[]> {
  const inputs = await Promise.all(Array.from(suites[0]!.rows, (row) => test.read([row])));
  const places = new Map(Array.from(suites[0]!.rows, (row, place) => [row, place]));
  const attacked = new Set(queries);
  return Array.from(test.labels, (label, row) => {
    const right = clean.nearestIsRight[row]!;
    const place = places.get(row);
    const embedding = ground.gallery.values.subarray(row * ground.gallery.dimensions, (row + 1) * ground.gallery.dimensions);
    const outcomes = (attacked.has(row) ? suites : []).map(({ threat, parts, breaker }) => {
      const part = place === undefined ? -1 : breaker[place]!;
      return { eps: threat.eps, robust: right && part < 0, brokenBy: part < 0 ? null : parts[part]!.attack.id, distances: part < 0 ? null : distancesOf(parts[part]!.attacked.inputs[place!]!, inputs[place!]!) };
    });
    return { index: row, id: test.ids[row]!, label, predicted: test.labels[lookUp(embedding, ground.gallery, row).nearest]!, clean: right, outcomes };
  });
}
