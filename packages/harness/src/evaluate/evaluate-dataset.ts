import { join } from 'node:path';
import { type Model, threatModel } from '@robustjs/core';
import { type Dataset, subset } from '@robustjs/datasets';
import type { Picture } from '../report/index.ts';
import { adversarialInputs, type AttackedRows, correctByDraw, strongestInputs } from './adversarial.ts';
import { cleanOutcome } from './clean.ts';
import type { Context } from './context.ts';
import { runCurve } from './curve.ts';
import { AttackBook } from './engine/attack-ref.ts';
import { type Executor, localExecutor, replicaExecutor } from './engine/executor.ts';
import { identityOf } from './engine/identity.ts';
import { jobsOf, type Step } from './engine/jobs.ts';
import { openJournal } from './engine/journal.ts';
import { shareExamples } from './engine/replica-setup.ts';
import type { Workbench } from './engine/task.ts';
import type { Entry } from './entry.ts';
import { wrong } from './errors.ts';
import { checkClasses } from './examples-input.ts';
import type { ExampleRecord } from './examples.ts';
import { Found } from './found.ts';
import { type EvaluationOptions, type Settings, settingsOf } from './options.ts';
import { exampleOrder } from './order.ts';
import { picturesOf } from './pictures.ts';
import { probeClasses } from './probe.ts';
import { entryOf, exampleRecords, type Measured } from './record.ts';
import type { Finding } from './sanity/check.ts';
import { gradientExists } from './sanity/gradient-checks.ts';
import { sanityFindings } from './sanity/index.ts';
import { deterministic, weightsFrozen } from './sanity/model-checks.ts';
import { BACKBONE } from './sanity/transfer.ts';
import { type Evaluable, type Subject, subjectOf } from './subject.ts';
import { runSuite, type SuiteOutcome } from './suite.ts';

/** Options of {@link evaluateDataset}. */
export interface DatasetEvaluationOptions extends EvaluationOptions {
  /** Adversarial examples to return for people to look at. Default 0. */
  readonly pictures?: number;
}

/** An evaluation with everything that belongs beside its record. */
export interface Evaluated {
  readonly entry: Entry;
  /** What became of each example. */
  readonly examples: readonly ExampleRecord[];
  /** Adversarial examples at the last budget. */
  readonly pictures: readonly Picture[];
  /** Inputs that robust accuracy is about at each budget, in the order of the data set; a clean one where nothing broke it. */
  readonly adversarial: readonly { readonly eps: number; readonly shape: readonly number[]; readonly values: Float32Array }[];
  /** Seconds of work by part (`clean`, `attacks`, `curve`, `sanity`), all threads and interruptions together; it belongs into no record. */
  readonly seconds: Readonly<Record<string, number>>;
  /** Seconds of work by attack and budget. */
  readonly attackSeconds: readonly { readonly attack: string; readonly eps: number; readonly seconds: number }[];
}

/**
 * Measures clean and robust accuracy on a data set, and checks that the figures can be trusted.
 *
 * Robust accuracy is the worst case over all attacks, example by example; examples that are wrong without an attack count as
 * broken. No number depends on the order of the examples or on the batch size.
 *
 * @throws RobustError `RJS_EVALUATE_MODEL`, `RJS_EVALUATE_IMAGES`, `RJS_EVALUATE_LABELS`, `RJS_EVALUATE_OUTPUT`,
 * `RJS_EVALUATE_OPTION` before anything is computed, `RJS_INPUT_RANGE` for values outside the model's bounds,
 * `RJS_ABORTED` when stopped.
 */
export async function evaluateDataset(evaluable: Evaluable, dataset: Dataset, options: DatasetEvaluationOptions): Promise<Evaluated> {
  const subject = subjectOf(evaluable, {}, dataset.inputShape);
  return evaluateSubject(subject, dataset, options);
}

/** As {@link evaluateDataset}, of a model that has been looked at. */
export async function evaluateSubject(subject: Subject, dataset: Dataset, options: DatasetEvaluationOptions): Promise<Evaluated> {
  const { model } = subject;
  checkDataset(model, dataset);
  const settings = settingsOf(options, dataset.size, model);
  const classes = await probeClasses(model, settings.route, await dataset.read([0]));
  checkClasses(dataset.labels, classes);
  const order = exampleOrder(dataset).subarray(0, settings.clean);
  const part = subset(dataset, order);
  const seconds = new Stopwatch();
  const weightsSha256 = await subject.weightsHash();
  const lab = await openLab(subject, part, { settings, options, weightsSha256, seconds, classes });
  try {
    const measured = await measure(subject, lab, { settings, options, weightsSha256, positions: order, whole: order.length === dataset.size });
    return {
      entry: await entryOf(measured, options),
      examples: await exampleRecords(measured),
      pictures: await picturesOf(measured, options.pictures ?? 0),
      adversarial: measured.adversarial.map((values, i) => ({ eps: settings.budgets[i]!, shape: [settings.attacked, ...model.inputShape], values })),
      ...seconds.summary(),
    };
  } finally {
    await lab.close();
  }
}

/** Counts seconds of work by step. */
class Stopwatch {
  readonly #seconds: Record<string, number> = { clean: 0, attacks: 0, curve: 0, sanity: 0 };
  readonly #attacks: Map<string, { attack: string; eps: number; seconds: number }> = new Map();

  add({ part, name, eps }: Step, seconds: number): void {
    this.#seconds[part === 'attack' ? 'attacks' : part]! += seconds;
    if (part !== 'attack' || eps === undefined) return;
    const key = `${eps} ${name}`;
    this.#attacks.set(key, { attack: name, eps, seconds: seconds + (this.#attacks.get(key)?.seconds ?? 0) });
  }

  summary(): Pick<Evaluated, 'seconds' | 'attackSeconds'> {
    return { seconds: this.#seconds, attackSeconds: [...this.#attacks.values()] };
  }
}

interface LabParts {
  readonly settings: Settings;
  readonly options: DatasetEvaluationOptions;
  readonly weightsSha256: string | null;
  readonly seconds: Stopwatch;
  readonly classes: number;
}

type Lab = Pick<Context, 'jobs' | 'book' | 'bench' | 'dataset' | 'classes' | 'others'> & { close(): Promise<void> };

const JOURNAL = 'evaluation.journal';

/** Whoever does the work, and where its results are kept. */
async function openLab(subject: Subject, dataset: Dataset, { settings, options, weightsSha256, seconds, classes }: LabParts): Promise<Lab> {
  const { seed, route, batchSize } = settings;
  const { folder, signal, onProgress, backbone, sources } = options;
  const book = new AttackBook(options.from);
  const declared = { inputShape: subject.model.inputShape, bounds: subject.model.bounds };
  const borrowed = Object.fromEntries(Object.entries({ ...(backbone && { [BACKBONE]: backbone }), ...sources }).map(([name, other]) => [name, subjectOf(other, declared)]));
  const others = Object.fromEntries(Object.entries(borrowed).map(([name, { model }]) => [name, model]));
  const bench: Workbench = { model: subject.model, dataset, route, seed, weightsSha256, weightsHash: subject.weightsHash, others, attack: (ref) => book.attack(ref), signal };
  const journal = folder === undefined ? undefined : await openJournal(join(folder, JOURNAL), await identityOf({ subject, dataset, settings, options, weightsSha256, others: borrowed }));
  let executor: Executor;
  try {
    executor = await executorOf(bench, options, weightsSha256);
  } catch (error) {
    await journal?.close();
    throw error;
  }
  const jobs = jobsOf({ executor, journal, ids: dataset.ids, batchSize, signal, onProgress, onSeconds: (step, spent) => seconds.add(step, spent) });
  return {
    jobs, book, bench, dataset, classes,
    others: Object.keys(others),
    async close() {
      await executor.close();
      await journal?.close();
    },
  };
}

async function executorOf(bench: Workbench, { workers = 1, source, runtime, from, onNote }: DatasetEvaluationOptions, weightsSha256: string | null): Promise<Executor> {
  if (workers <= 1) return localExecutor(bench);
  if (source === undefined || runtime === undefined) throw wrong('OPTION', 'source and runtime beside workers', 'none', 'say how other threads load the model, or use one worker');
  const { model, dataset, route, seed } = bench;
  const { inputShape, bounds } = model;
  const { id, variant } = runtime;
  const setup = { source, examples: await shareExamples(dataset), runtime: { id, variant }, inputShape, bounds, route, seed, weightsSha256, from };
  return replicaExecutor(workers, setup, bench, (cause) => onNote?.(cause.message));
}

interface MeasureParts extends Pick<LabParts, 'settings' | 'options' | 'weightsSha256'> {
  /** Position in the whole data set of each example evaluated. */
  readonly positions: Int32Array;
  /** Those are all. */
  readonly whole: boolean;
}

async function measure(subject: Subject, lab: Lab, { settings, options, weightsSha256, positions, whole }: MeasureParts): Promise<Measured> {
  const { dataset, jobs } = lab;
  const { seed, route, norm, randomized } = settings;
  const threats = settings.budgets.map((eps) => threatModel(norm, eps));
  const found = new Found(threats.at(-1)!);
  const rows = dataset.ids.map((_, row) => row);
  const base = { ...lab, model: subject.model, route, seed, found };
  const [repeated, differentiable] = await Promise.all([deterministic({ jobs }, rows.subarray(0, REPEATED_ROWS)), gradientExists(jobs, rows, subject.model)]);
  const context: Context = { ...base, flat: differentiable.status !== 'pass', stochastic: repeated.status !== 'pass' };
  const clean = await cleanOutcome(context, rows);
  const correctAmong = (count: number): Int32Array => rows.subarray(0, count).filter((row) => clean.correct[row]);
  const attackedRows = correctAmong(settings.attacked);
  const { attacks, mode } = settings;

  const [outcomes, curve] = await Promise.all([
    Promise.all(threats.map((threat) => runSuite(context, attackedRows, { attacks, threat, mode, pictures: randomized ? attackedRows.length : (options.pictures ?? 0) }))),
    settings.curve === undefined ? [] : runCurve(context, correctAmong(settings.curve.examples), settings.curve.attack, norm, settings.curve.budgets),
  ]);
  const findings = await sanityFindings({
    context, clean, outcomes, curve, rows, mode,
    threat: threats.at(-1)!, claim: options.claim, whole, correctRows: attackedRows, n: settings.attacked, checks: settings.checks, randomized,
    approximateGradient: options.approximateGradient ?? false, forwardPasses: options.forwardPasses ?? 1,
  });
  const moved = outcomes.some(({ parts }) => parts.some(({ attacked }) => attacked.weightsMoved));
  const frozen = weightsFrozen(weightsSha256, await subject.weightsHash(), moved);
  const expected: Finding = randomized && context.stochastic ? { ...repeated, status: 'info' } : repeated;
  const sanity = inOrder([frozen, differentiable, expected, ...findings]).map((finding) => ({ ...finding, seed }));

  const counted = Array.from(rows.subarray(0, settings.attacked)).sort((a, b) => positions[a]! - positions[b]!);
  const adversarial = await Promise.all(outcomes.map((outcome) => adversarialInputs(context, { counted, attackedRows }, outcome)));
  const draws = randomized ? await drawsOf(context, rows, { counted, attackedRows }, outcomes, adversarial) : undefined;
  return { subject, dataset, settings, weightsSha256, clean, rows, positions, counted, attackedRows, outcomes, curve, found, sanity, adversarial, draws, stochastic: context.stochastic };
}

// S02 takes five forward passes of each.
const REPEATED_ROWS = 100;

async function drawsOf(context: Context, rows: Int32Array, who: AttackedRows, outcomes: readonly SuiteOutcome[], adversarial: readonly Float32Array[]): Promise<NonNullable<Measured['draws']>> {
  const robust: number[][] = [];
  for (const [i, outcome] of outcomes.entries()) {
    robust.push(await correctByDraw(context, who.counted, await strongestInputs(context, who, outcome, adversarial[i]!)));
  }
  const all = Array.from(rows);
  return { clean: await correctByDraw(context, all, await context.dataset.read(all)), robust };
}

const inOrder = (findings: readonly Finding[]): Finding[] => findings.toSorted((a, b) => (a.id < b.id ? -1 : 1));

function checkDataset({ inputShape }: Model, dataset: Dataset): void {
  if (dataset.size === 0) throw wrong('IMAGES', 'at least one example', 'an empty data set', 'check what was loaded');
  if (dataset.inputShape.join() !== inputShape.join()) {
    throw wrong('IMAGES', `examples of shape [${inputShape.join(', ')}]`, `[${dataset.inputShape.join(', ')}]`, 'use the data set that the model was made for');
  }
}
