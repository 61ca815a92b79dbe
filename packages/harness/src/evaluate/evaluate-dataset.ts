import { type Model, threatModel } from '@robustjs/core';
import { type Dataset, subset } from '@robustjs/datasets';
import type { Picture } from '../report/index.ts';
import { cleanOutcome } from './clean.ts';
import type { Context } from './context.ts';
import { runCurve } from './curve.ts';
import type { Entry } from './entry.ts';
import { wrong } from './errors.ts';
import { checkClasses } from './examples-input.ts';
import type { ExampleRecord } from './examples.ts';
import { withZeroGradient } from './gradient.ts';
import { type EvaluationOptions, type Settings, settingsOf } from './options.ts';
import { exampleOrder } from './order.ts';
import { picturesOf } from './pictures.ts';
import { probeClasses } from './probe.ts';
import { entryOf, exampleRecords, type Measured } from './record.ts';
import type { Finding } from './sanity/check.ts';
import { gradientExists } from './sanity/gradient-checks.ts';
import { sanityFindings } from './sanity/index.ts';
import { weightsFrozen } from './sanity/model-checks.ts';
import { type Evaluable, type Subject, subjectOf } from './subject.ts';
import { runSuite } from './suite.ts';

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
  /** Wall time by part (`clean`, `attacks`, `curve`, `sanity`); it belongs into no record. */
  readonly seconds: Readonly<Record<string, number>>;
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
  const settings = settingsOf(options, dataset.size, model.bounds[1] - model.bounds[0]);
  checkClasses(dataset.labels, await probeClasses(model, settings.route, await dataset.read([0])));
  const seconds: Record<string, number> = {};
  const measured = await measure(subject, dataset, settings, options, timer(seconds));
  return {
    entry: await entryOf(measured, options),
    examples: exampleRecords(measured),
    pictures: await picturesOf(measured, options.pictures ?? 0),
    seconds,
  };
}

type Timed = <T>(part: string, work: () => Promise<T>) => Promise<T>;

async function measure(subject: Subject, whole: Dataset, settings: Settings, options: DatasetEvaluationOptions, timed: Timed): Promise<Measured> {
  const dataset = subset(whole, exampleOrder(whole).subarray(0, settings.clean));
  const { seed, route, batchSize, norm } = settings;
  const asGiven: Context = { model: subject.model, dataset, route, batchSize, seed, signal: options.signal, onProgress: options.onProgress };
  const rows = dataset.ids.map((_, row) => row);
  const before = await subject.weightsHash();
  const clean = await timed('clean', () => cleanOutcome(asGiven, rows));
  const correctAmong = (count: number): Int32Array => rows.subarray(0, count).filter((row) => clean.correct[row]);
  const attackedRows = correctAmong(settings.attacked);
  const differentiable = await gradientExists(asGiven, rows);
  const context = differentiable.status === 'pass' ? asGiven : { ...asGiven, model: withZeroGradient(subject.model) };

  const threats = settings.budgets.map((eps) => threatModel(norm, eps));
  const outcomes = await timed('attacks', () => inTurn(threats, (threat) => runSuite(context, attackedRows, settings.attacks, threat, options.pictures ?? 0)));
  const curve = await timed('curve', async () => {
    const { attack, budgets, examples } = settings.curve ?? { attack: undefined, budgets: [], examples: 0 };
    return attack === undefined ? [] : runCurve(context, correctAmong(examples), attack, norm, budgets);
  });
  const findings = await timed('sanity', () =>
    sanityFindings({ context, threat: threats.at(-1)!, clean, claim: options.claim, rows, correctRows: attackedRows, outcomes, curve }),
  );
  const frozen = weightsFrozen(before, await subject.weightsHash());
  const sanity = inOrder([frozen, differentiable, ...findings]).map((finding) => ({ ...finding, seed }));
  return { subject, dataset, settings, weightsSha256: before, clean, rows, attackedRows, outcomes, curve, sanity };
}

const inOrder = (findings: readonly Finding[]): Finding[] => findings.toSorted((a, b) => (a.id < b.id ? -1 : 1));

async function inTurn<A, B>(items: readonly A[], work: (item: A) => Promise<B>): Promise<B[]> {
  const results: B[] = [];
  for (const item of items) results.push(await work(item));
  return results;
}

const timer =
  (seconds: Record<string, number>): Timed =>
  async (part, work) => {
    const start = performance.now();
    const result = await work();
    seconds[part] = (performance.now() - start) / 1000;
    return result;
  };

function checkDataset({ inputShape }: Model, dataset: Dataset): void {
  if (dataset.size === 0) throw wrong('IMAGES', 'at least one example', 'an empty data set', 'check what was loaded');
  if (dataset.inputShape.join() !== inputShape.join()) {
    throw wrong('IMAGES', `examples of shape [${inputShape.join(', ')}]`, `[${dataset.inputShape.join(', ')}]`, 'use the data set that the model was made for');
  }
}
