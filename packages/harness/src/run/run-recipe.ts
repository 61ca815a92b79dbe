import { access } from 'node:fs/promises';
import { dirname } from 'node:path';
import { RobustError, type Runtime } from '@robustjs/core';
import type { BenchmarkParts } from '@robustjs/datasets';
import { encodeWeights } from '@robustjs/nn';
import { type Evaluated, evaluateDataset, type EvaluationProgress, examplesToJsonl } from '../evaluate/index.ts';
import { attackOf } from '../evaluate/options.ts';
import { type ClassificationRecipe, type Recipe, recipeHash } from '../recipe.ts';
import { builtFile } from '../replicas/built.ts';
import { loadMethod, type LoadedMethod, train, type Trained } from '../train/index.ts';
import { aboutOf } from './about.ts';
import { openData } from './data.ts';
import { storeDetails } from './details.ts';
import type { RunEvent } from './events.ts';
import { type ArmFiles, armFiles, prettyJson, writeWhole } from './files.ts';
import { networkHeader } from './network-file.ts';
import { startRuntime } from './runtime.ts';
import { evaluateRetrievalArm, isRetrieval, storeRetrieval } from './run-retrieval.ts';
import { type AnyEntry, readEntry, readRetrievalEntry } from './store.ts';
import { clockIn } from './timing.ts';
import type { Arm } from './tracks.ts';

/** How one recipe is run. */
export interface RunRecipeOptions {
  /** Folder of the run; what is complete there is kept, what was begun goes on. */
  readonly outDir: string;
  /** Folder that plugins are looked for in first. Default: the working directory. */
  readonly from?: string;
  /** Threads that share the work; results do not depend on it. Default 1: this thread. */
  readonly workers?: number;
  /** Training steps between checkpoints. Default 50. */
  readonly checkpointEverySteps?: number;
  /** Stops at the next safe point. */
  readonly signal?: AbortSignal;
  /** Told what happens. */
  readonly onEvent?: (event: RunEvent) => void;
}

const CHECKPOINT_EVERY_STEPS = 50;
const PICTURES = 8;

/**
 * Trains and evaluates one recipe in this process: writes its network, examples and entry, the entry last.
 *
 * @returns the entry; the one that was there when it is complete already.
 * @throws RobustError `RJS_RUN_FOLDER` when the folder holds an entry of this name from another recipe, `RJS_ABORTED` when
 * stopped (the same call goes on later), and whatever data, method, training and evaluation throw.
 */
export async function runRecipe(arm: Arm, options: RunRecipeOptions): Promise<AnyEntry> {
  const { id, recipe } = arm;
  const { outDir, onEvent = () => {} } = options;
  const files = armFiles(outDir, id);
  const kept = await completeEntry(files, recipe);
  onEvent({ kind: 'start', id, recipeHash: recipeHash(recipe) });
  const entry = kept ?? (await runFresh(arm, files, { ...options, onEvent }));
  onEvent({ kind: 'done', id, kept: kept !== undefined });
  return entry;
}

/** The entry that is there already; undefined where there is none yet. */
async function completeEntry(files: ArmFiles, recipe: Recipe): Promise<AnyEntry | undefined> {
  if (!(await exists(files.entry))) return undefined;
  const { entry } = recipe.track === 'metric-learning' ? await readRetrievalEntry(files.entry) : await readEntry(files.entry);
  if (entry.training?.recipeHash === recipeHash(recipe)) return entry;
  throw new RobustError('RJS_RUN_FOLDER', {
    expected: `the results of this recipe in ${dirname(dirname(files.entry))}`,
    got: `an entry ${entry.id} from another recipe`,
    fix: 'choose another folder with --out',
  });
}

const exists = (path: string): Promise<boolean> => access(path).then(() => true, () => false);

/** Options with someone who is told. */
export type Running = RunRecipeOptions & Required<Pick<RunRecipeOptions, 'onEvent'>>;

async function runFresh(arm: Arm, files: ArmFiles, options: Running): Promise<AnyEntry> {
  const { id, recipe } = arm;
  const runtime = await startRuntime(recipe.runtime);
  const data = await openData(recipe.data, options.signal && { signal: options.signal });
  const method = await loadMethod(recipe.method, options.from);
  const clock = await clockIn(files.timing, `${runtime.id} ${runtime.variant}`, runtime.device);
  const measure = async <T>(part: string, work: () => Promise<T>): Promise<T> => {
    const result = await clock.measure(part, work);
    options.onEvent({ kind: 'part', id, part, seconds: clock.timing().seconds[part] ?? 0 });
    return result;
  };
  const trained = await measure('train', () => trainArm(arm, files, data, method, options));
  try {
    await writeWhole(files.network, await encodeWeights(trained.model, networkHeader({ id, recipe, method, data: data.train, trained })));
    const subject = { trained, method, runtime, data };
    if (isRetrieval(arm)) {
      const evaluated = await measure('evaluate', () => evaluateRetrievalArm(arm, files, subject, PICTURES, options));
      await storeRetrieval(files, evaluated, { timing: clock.timing(), trained, data });
      return evaluated.entry;
    }
    const evaluated = await measure('evaluate', () => evaluateArm(arm as Arm<ClassificationRecipe>, files, subject, options));
    await storeDetails(files.details, { timing: clock.timing(), curves: trained.curves, pictures: evaluated.pictures, classNames: data.test.classNames });
    await writeWhole(files.examples, examplesToJsonl(evaluated.examples));
    await writeWhole(files.entry, prettyJson(evaluated.entry));
    return evaluated.entry;
  } finally {
    trained.network.dispose();
    trained.model.dispose();
  }
}

function trainArm({ id, recipe }: Arm, files: ArmFiles, data: BenchmarkParts, method: LoadedMethod, options: Running): Promise<Trained> {
  return train({
    recipe,
    data,
    method,
    checkpointDir: files.checkpoint,
    checkpointEverySteps: options.checkpointEverySteps ?? CHECKPOINT_EVERY_STEPS,
    ...(options.signal && { signal: options.signal }),
    workers: options.workers ?? 1,
    onNote: (message) => options.onEvent({ kind: 'note', id, message }),
    onProgress: ({ step, steps }) => options.onEvent({ kind: 'progress', id, stage: 'training', done: step, total: steps, unit: 'steps' }),
  });
}

/** What evaluation works with. */
export interface Subject {
  readonly trained: Trained;
  readonly method: LoadedMethod;
  readonly runtime: Runtime;
  readonly data: BenchmarkParts;
}

function evaluateArm({ id, recipe }: Arm<ClassificationRecipe>, files: ArmFiles, { trained, method, runtime, data }: Subject, { signal, onEvent, workers = 1, from }: Running): Promise<Evaluated> {
  const { norm, eps, attacks, clean, attacked, curve, batchSize, checks = recipe.tier === 'smoke' ? 'quick' : 'full' } = recipe.evaluation;
  return evaluateDataset(trained.model, data.test, {
    id,
    norm,
    eps,
    attacks,
    batchSize,
    checks,
    ...(clean !== undefined && { clean }),
    ...(attacked !== undefined && { attacked }),
    curve: curve === undefined ? false : { eps: curve.eps, attack: attackOf(curve.attack), examples: curve.examples },
    seed: recipe.seed,
    route: trained.deployedRoute,
    about: aboutOf(recipe, method, trained),
    runtime,
    pictures: PICTURES,
    // What is done is kept beside the trainer's checkpoint, so that the same run goes on in the evaluation too.
    folder: files.checkpoint,
    workers,
    source: { module: builtFile('run/network-subject.js').href, setup: { path: files.network, from } },
    ...(from !== undefined && { from }),
    onNote: (message) => onEvent({ kind: 'note', id, message }),
    ...(signal && { signal }),
    onProgress: (progress) => onEvent({ kind: 'progress', id, stage: stageOf(progress), done: progress.done, total: progress.total, unit: 'images' }),
  });
}

/** What an evaluation is at, in words. */
export function stageOf({ part, name, eps }: EvaluationProgress): string {
  const budget = eps === undefined ? '' : ` at ${Number(eps.toPrecision(3))}`;
  return part === 'clean' ? 'clean accuracy' : part === 'sanity' ? `check ${name}` : `${part === 'curve' ? 'curve, ' : ''}${name}${budget}`;
}
