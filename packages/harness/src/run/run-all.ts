import { join } from 'node:path';
import { existsSync } from 'node:fs';
import type { Entry } from '../evaluate/index.ts';
import { renderReport } from '../report/index.ts';
import { recipeHash } from '../recipe.ts';
import { type Details, readDetails } from './details.ts';
import type { RunEvent } from './events.ts';
import { armFiles, prettyJson, writableFolder, writeWhole } from './files.ts';
import { runLog } from './log.ts';
import { type PoolOptions, runPool } from './pool.ts';
import { readEntry } from './store.ts';
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
  /** The entries that are complete, in the order given. */
  readonly entries: readonly Entry[];
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

/** Table, times and report of what is complete. */
async function conclude(arms: readonly Arm[], outDir: string): Promise<Pick<RunSummary, 'entries' | 'report'>> {
  const complete = await Promise.all(arms.map((arm) => completeArm(arm, outDir)));
  const done = complete.filter((arm) => arm !== undefined);
  const entries = done.map(({ entry }) => entry);
  if (entries.length === 0) return { entries };
  const byId = <T>(pick: (details: Details) => T): Record<string, T> =>
    Object.fromEntries(done.flatMap(({ entry, details }) => (details === undefined ? [] : [[entry.id, pick(details)]])));
  const timings = byId(({ timing }) => timing);
  await writeWhole(join(outDir, 'timing.json'), prettyJson(timings));
  const classNames = done.find(({ details }) => details?.classNames !== undefined)?.details?.classNames;
  const page = await renderReport({ entries, timings, curves: byId(({ curves }) => curves), pictures: byId(({ pictures }) => pictures), ...(classNames && { classNames }) });
  const report = join(outDir, 'report.html');
  await writeWhole(report, page);
  return { entries, report };
}

async function completeArm({ id, recipe }: Arm, outDir: string): Promise<{ entry: Entry; details: Details | undefined } | undefined> {
  const files = armFiles(outDir, id);
  if (!existsSync(files.entry)) return undefined;
  const { entry } = await readEntry(files.entry);
  return entry.training?.recipeHash === recipeHash(recipe) ? { entry, details: await readDetails(files.details) } : undefined;
}
