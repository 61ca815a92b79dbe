import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { parseEps } from '@robustjs/core';
import type { OpenOptions } from '@robustjs/interop';
import { type DatasetEvaluationOptions, type Evaluated, evaluateDataset, refusalsOf, stageOf, startRuntime, storeEvaluation, suiteNamed, writableFolder } from '@robustjs/harness';
import { type Budget, budgetOf } from '../budget.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import type { EvaluateFlags } from '../flags.ts';
import { openOptionsOf } from '../model-options.ts';
import { openNetwork, type Subject } from '../networks.ts';
import { testData } from '../test-data.ts';
import { duration } from '../ui/duration.ts';
import { progressView } from '../ui/progress.ts';
import { usage } from '../usage.ts';
import { printEntries } from './run-arms.ts';

const DEFAULT_EXAMPLES = 200;
/** What `robustjs verify` reads to know which network and data a result is about. */
export const COMMAND_FILE = 'command.json';

/** What {@link COMMAND_FILE} holds: paths as they were given, and the folder that they are relative to. */
export interface StoredCommand {
  readonly model: string;
  readonly cwd: string;
  readonly data?: string;
  readonly dataDir?: string;
  readonly images?: string;
  readonly labels?: string;
  /** What was said of a network from elsewhere. */
  readonly options?: OpenOptions;
}

/** `robustjs evaluate`: fails when the result is refused. */
export async function evaluateNetwork(given: string | undefined, flags: EvaluateFlags, context: Context): Promise<number> {
  const started = performance.now();
  const name = modelNamed(given, flags.model);
  const out = flags.out === undefined ? undefined : resolve(context.cwd, flags.out);
  if (out !== undefined) await writableFolder(out);
  const runtime = await startRuntime('wasm');
  const opening = openOptionsOf(flags);
  const subject = await openNetwork(name, context.cwd, opening);
  const data = await testData(subject, flags, context.cwd, context.signal);
  const budget = budgetOf(subject, flags);
  // Said before the work, while there is still time to ask for something else.
  [...subject.remarks, ...(budget.remark === undefined ? [] : [budget.remark])].forEach((remark) => context.line(remark));
  const options = { ...(await optionsOf(subject, flags, budget, context)), runtime, signal: context.signal, ...(out !== undefined && { folder: out }) };
  const source = { module: new URL('../subject-module.js', import.meta.url).href, setup: { name, cwd: context.cwd, options: opening }, identity: opening };
  const workers = flags.workers ?? availableParallelism();
  const evaluated = await withProgress(subject, (onProgress) => evaluateDataset(subject.evaluable, data, { ...options, workers, source, onProgress }));
  const seconds = (performance.now() - started) / 1000;
  if (out !== undefined) {
    await writeFile(join(out, COMMAND_FILE), `${JSON.stringify(commandOf(name, flags, context), null, 2)}\n`);
    const { device, variant, id } = runtime;
    await storeEvaluation(out, evaluated, { classNames: data.classNames, timing: { wallSeconds: seconds, workers, device: `${id} ${variant}`, processor: device } });
  }
  const { entry } = evaluated;
  const refusals = refusalsOf(entry);
  context.result({ entry, refusals, ...(out !== undefined && { out }) });
  printEntries([entry], context);
  if (refusals.length > 0) context.line(`Not for publication: ${refusals.map(({ says }) => says).join('; ')}.`);
  context.line(`${entry.clean.n} test examples of ${entry.dataset.id}, ${duration(seconds)}${out === undefined ? '' : `; written to ${out}`}`);
  return entry.refused === undefined ? exitCodes.ok : exitCodes.failed;
}

function modelNamed(given: string | undefined, flag: string | undefined): string {
  const name = given ?? flag;
  if (name === undefined || (given !== undefined && flag !== undefined)) {
    throw usage('one network, by --model or as the first argument', name === undefined ? 'none' : 'both', 'for example: robustjs evaluate --model pgd-at');
  }
  return name;
}

async function optionsOf(subject: Subject, flags: EvaluateFlags, { norm, eps }: Budget, { cwd }: Context): Promise<DatasetEvaluationOptions> {
  const { id, route, about } = subject;
  if (flags.suite !== undefined && flags.attacks !== undefined) throw usage('--suite or --attacks', 'both', 'name a suite, or its attacks one by one');
  const name = flags.suite ?? 'default';
  const suite = flags.attacks === undefined ? await suiteNamed(name, norm, cwd) : { attacks: flags.attacks, mode: 'alone' as const, randomized: false, versions: {} };
  return {
    id,
    about,
    norm: norm as 'Linf' | 'L2' | 'L1',
    eps: eps.map(parseEps),
    ...(suite.attacks && { attacks: suite.attacks }),
    ...(flags.attacks === undefined && { suite: name }),
    mode: suite.mode,
    randomized: suite.randomized,
    versions: { ...suite.versions, ...subject.versions },
    checks: flags.checks ?? (name === 'smoke' ? 'quick' : 'full'),
    clean: flags.examples ?? (flags.images === undefined ? DEFAULT_EXAMPLES : undefined),
    batchSize: flags.batchSize,
    seed: flags.seed,
    pictures: 8,
    from: cwd,
    ...(flags.claim !== undefined && { claim: flags.claim }),
    ...(flags.forwardPasses !== undefined && { forwardPasses: flags.forwardPasses }),
    ...(flags.curve === false && { curve: false as const }),
    ...(flags.backbone !== undefined && { backbone: (await openNetwork(flags.backbone, cwd)).evaluable }),
    ...(subject.approximateGradient && { approximateGradient: true }),
    ...(route && { route }),
  };
}

const commandOf = (model: string, { data, dataDir, images, labels, ...flags }: EvaluateFlags, { cwd }: Context): StoredCommand => ({
  model, cwd, options: openOptionsOf(flags), ...(data !== undefined && { data }), ...(dataDir !== undefined && { dataDir }), ...(images !== undefined && { images }), ...(labels !== undefined && { labels }),
});

/** The command that a folder was made by; nothing where the file is gone. */
export async function storedCommand(folder: string): Promise<Partial<StoredCommand>> {
  const text = await readFile(join(folder, COMMAND_FILE), 'utf8').catch(() => '{}');
  return JSON.parse(text) as Partial<StoredCommand>;
}

type OnProgress = NonNullable<DatasetEvaluationOptions['onProgress']>;

async function withProgress({ id }: Subject, work: (onProgress: OnProgress) => Promise<Evaluated>): Promise<Evaluated> {
  const view = await progressView();
  try {
    return await work((progress) => view.update({ name: id, stage: stageOf(progress), done: progress.done, total: progress.total, unit: 'images' }));
  } finally {
    view.close();
  }
}
