import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseEps } from '@robustjs/core';
import { type DatasetEvaluationOptions, type Evaluated, evaluateDataset, examplesToJsonl, openData, renderReport, stageOf, startRuntime, writableFolder } from '@robustjs/harness';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import type { EvaluateFlags } from '../flags.ts';
import { openNetwork, type Subject } from '../networks.ts';
import { duration } from '../ui/duration.ts';
import { progressView } from '../ui/progress.ts';
import { printEntries } from './run-arms.ts';

// Where neither the command line nor a recipe says: the budget that CIFAR-10 is evaluated with.
const DEFAULT_EPS = '8/255';

/** `robustjs evaluate`: fails when the result is refused. */
export async function evaluateNetwork(name: string, flags: EvaluateFlags, context: Context): Promise<number> {
  const started = performance.now();
  const out = flags.out === undefined ? undefined : resolve(context.cwd, flags.out);
  if (out !== undefined) await writableFolder(out);
  const runtime = await startRuntime('wasm');
  const subject = await openNetwork(name, context.cwd);
  const { test } = await openData(dataOf(subject, flags, context.cwd), { signal: context.signal });
  const evaluated = await withProgress(subject, (onProgress) =>
    evaluateDataset(subject.evaluable, test, { ...optionsOf(subject, flags), runtime, signal: context.signal, onProgress }),
  );
  if (out !== undefined) await write(out, subject.id, evaluated, test.classNames);
  const { entry } = evaluated;
  context.result({ entry, ...(out !== undefined && { out }) });
  printEntries([entry], context);
  if (subject.remark !== undefined) context.line(subject.remark);
  context.line(`${entry.clean.n} test examples of ${entry.dataset.id}, ${duration((performance.now() - started) / 1000)}${out === undefined ? '' : `; written to ${out}`}`);
  return entry.refused === undefined ? exitCodes.ok : exitCodes.failed;
}

/** The data to test on: those asked for, else those it was trained on. */
export function dataOf({ recipe }: Subject, flags: { readonly data?: string; readonly dataDir?: string }, cwd: string): { id: string; dataDir?: string } {
  const dataDir = flags.dataDir === undefined ? recipe?.data.dataDir : resolve(cwd, flags.dataDir);
  return { id: flags.data ?? recipe?.data.id ?? 'mnist', ...(dataDir !== undefined && { dataDir }) };
}

/** The budget that ranks, where none is asked for. */
export const rankingEps = ({ recipe }: Subject): number | string => recipe?.evaluation.eps.at(-1) ?? DEFAULT_EPS;

function optionsOf(subject: Subject, flags: EvaluateFlags): DatasetEvaluationOptions {
  const { id, recipe, route, about } = subject;
  return {
    id,
    about,
    norm: flags.norm ?? recipe?.evaluation.norm ?? 'Linf',
    eps: (flags.eps ?? [rankingEps(subject)]).map(parseEps),
    ...(flags.attacks && { attacks: flags.attacks }),
    clean: flags.examples,
    batchSize: flags.batchSize,
    seed: flags.seed,
    pictures: 8,
    ...(route && { route }),
  };
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

async function write(out: string, id: string, { entry, examples, pictures, seconds }: Evaluated, classNames: readonly string[] | undefined): Promise<void> {
  await mkdir(join(out, 'entries'), { recursive: true });
  const page = await renderReport({ entries: [entry], timings: { [entry.id]: { seconds } }, pictures: { [entry.id]: pictures }, ...(classNames && { classNames }) });
  await writeFile(join(out, 'entries', `${id}.examples.jsonl`), examplesToJsonl(examples));
  await writeFile(join(out, 'entries', `${id}.json`), `${JSON.stringify(entry, null, 2)}\n`);
  await writeFile(join(out, 'timing.json'), `${JSON.stringify({ [entry.id]: { seconds } }, null, 2)}\n`);
  await writeFile(join(out, 'report.html'), page);
}
