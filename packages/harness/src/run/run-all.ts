import { join } from 'node:path';
import { existsSync } from 'node:fs';
import type { Entry } from '../evaluate/index.ts';
import { renderReport, renderRetrievalReport } from '../report/index.ts';
import type { RetrievalEntry } from '../retrieval/index.ts';
import { recipeHash } from '../recipe.ts';
import { type Details, readDetails } from './details.ts';
import type { RunEvent } from './events.ts';
import { type ArmFiles, armFiles, prettyJson, writableFolder, writeWhole } from './files.ts';
import { runLog } from './log.ts';
import { type PoolOptions, runPool } from './pool.ts';
import { readRetrievalDetails, type RetrievalDetails } from './retrieval-details.ts';
import { isRetrieval } from './run-retrieval.ts';
import { readEntry, readRetrievalEntry } from './store.ts';
import { workOf } from './estimate.ts';
import type { Arm } from './tracks.ts';

/** How arms are run. */
export interface RunAllOptions extends Omit<PoolOptions, 'onEvent'> {
  /** Told everything that happens, progress included. */
  readonly onEvent?: (event: RunEvent) => void;
}

/** How an arm ended. */
export type ArmOutcome = Extract<RunEvent, { kind: 'done' | 'failed' | 'stopped' }>;

/** What a run came to. */
export interface RunSummary {
  /** How each arm ended, in the order given. */
  readonly outcomes: readonly ArmOutcome[];
  /** The entries of image classification that are complete, in the order given. */
  readonly entries: readonly Entry[];
  /** The entries of the track `metric-learning` that are complete, in the order given. */
  readonly retrieval: readonly RetrievalEntry[];
  /** Path of the report; absent where there was nothing to report. */
  readonly report?: string;
}

/**
 * Trains and evaluates arms, each in a process of its own, and writes into the run's folder: `entries/`, `networks/`,
 * `details/`, `checkpoint/`, `timing.json`, `report.html` and `log.jsonl`. What is complete there is kept and what was
 * begun goes on, so the same call continues a run that was stopped. An arm that fails does not stop the others.
 *
 * @throws RobustError `RJS_FILE` when nothing can be written to the folder.
 */
export async function runAll(arms: readonly Arm[], options: RunAllOptions): Promise<RunSummary> {
  await writableFolder(options.outDir);
  const log = runLog(options.outDir);
  const outcomes = new Map<string, ArmOutcome>();
  const onEvent = (event: RunEvent): void => {
    if (event.kind === 'done' || event.kind === 'failed' || event.kind === 'stopped') outcomes.set(event.id, event);
    log.add(event);
    options.onEvent?.(event);
  };
  await runPool(longestFirst(arms), { ...options, onEvent });
  await log.flush();
  return { outcomes: arms.flatMap(({ id }) => outcomes.get(id) ?? []), ...(await conclude(arms, options.outDir)) };
}

// So that the last process to end is not the one that has the most to do.
function longestFirst(arms: readonly Arm[]): Arm[] {
  const gradients = ({ recipe }: Arm): number => workOf(recipe, { train: 0, test: 0 }).gradients;
  return [...arms].sort((a, b) => gradients(b) - gradients(a));
}

type Concluded = Pick<RunSummary, 'entries' | 'retrieval' | 'report'>;

/** Table, times and report of what is complete. All arms of a run are of one track. */
async function conclude(arms: readonly Arm[], outDir: string): Promise<Concluded> {
  const [first] = arms;
  return first !== undefined && isRetrieval(first) ? concludeRetrieval(arms, outDir) : concludeClassification(arms, outDir);
}

async function concludeClassification(arms: readonly Arm[], outDir: string): Promise<Concluded> {
  const done = await completeArms(arms, outDir, async (files) => ({ ...(await readEntry(files.entry)), details: await readDetails(files.details) }));
  const entries = done.map(({ entry }) => entry);
  if (entries.length === 0) return { entries, retrieval: [] };
  const byId = <T>(pick: (details: Details) => T): Record<string, T> => detailsById(done, pick);
  const timings = byId(({ timing }) => timing);
  await writeWhole(join(outDir, 'timing.json'), prettyJson(timings));
  const classNames = done.find(({ details }) => details?.classNames !== undefined)?.details?.classNames;
  const page = await renderReport({ entries, timings, curves: byId(({ curves }) => curves), pictures: byId(({ pictures }) => pictures), ...(classNames && { classNames }) });
  return { entries, retrieval: [], report: await writeReport(outDir, page) };
}

async function concludeRetrieval(arms: readonly Arm[], outDir: string): Promise<Concluded> {
  const done = await completeArms(arms, outDir, async (files) => ({ ...(await readRetrievalEntry(files.entry)), details: await readRetrievalDetails(files.details) }));
  const retrieval = done.map(({ entry }) => entry);
  if (retrieval.length === 0) return { entries: [], retrieval };
  const byId = <T>(pick: (details: RetrievalDetails) => T): Record<string, T> => detailsById(done, pick);
  await writeWhole(join(outDir, 'timing.json'), prettyJson(byId(({ timing }) => timing)));
  const page = await renderRetrievalReport({ entries: retrieval, details: byId((details) => details) });
  return { entries: [], retrieval, report: await writeReport(outDir, page) };
}

const detailsById = <D, T>(done: readonly { readonly entry: { readonly id: string }; readonly details: D | undefined }[], pick: (details: D) => T): Record<string, T> =>
  Object.fromEntries(done.flatMap(({ entry, details }) => (details === undefined ? [] : [[entry.id, pick(details)]])));

async function writeReport(outDir: string, page: string): Promise<string> {
  const report = join(outDir, 'report.html');
  await writeWhole(report, page);
  return report;
}

/** What the arms that are complete left, in their order; an entry of another recipe is not theirs. */
async function completeArms<T extends { readonly entry: { readonly training?: { readonly recipeHash: string } | undefined } }>(arms: readonly Arm[], outDir: string, read: (files: ArmFiles) => Promise<T>): Promise<T[]> {
  const found = await Promise.all(arms.map(async ({ id, recipe }) => {
    const files = armFiles(outDir, id);
    if (!existsSync(files.entry)) return [];
    const complete = await read(files);
    return complete.entry.training?.recipeHash === recipeHash(recipe) ? [complete] : [];
  }));
  return found.flat();
}
