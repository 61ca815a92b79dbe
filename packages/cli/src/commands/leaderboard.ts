import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { RobustError } from '@robustjs/core';
import {
  entriesIn, type Entry, formatRetrievalTable, formatTable, imageClassification, metricLearning, type PerformanceRecord, refusalsOf, renderClaims, renderLeaderboardReadme, renderPerformance, renderResultBlock,
  type RetrievalEntryWithExamples, retrievalEntriesIn, retrievalEntriesWithExamples,
} from '@robustjs/harness';
import { attacksPage } from '../attacks-page.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import type { LeaderboardFlags } from '../flags.ts';
import { readJsonFile } from '../read.ts';
import { repositoryOf, resultsFolder } from '../repository.ts';
import { usage } from '../usage.ts';

// Where the table goes in a README that is not there yet.
const EMPTY = '# Benchmarks\n\n<!-- leaderboard:start -->\n<!-- leaderboard:end -->\n';

/** A page of the repository with a part that is made from records. */
interface Page {
  readonly path: string;
  readonly before: string;
  readonly after: string;
}

/** `robustjs leaderboard`. */
export async function leaderboard({ check = false, add }: LeaderboardFlags, context: Context): Promise<number> {
  const root = repositoryOf(context.cwd);
  if (root === undefined) throw usage('a folder of the RobustJS repository', context.cwd, 'the leaderboard is made from its benchmarks/results; go there');
  if (add !== undefined) await addRun(resolve(context.cwd, add), root, context);
  const entries = (await entriesIn(join(resultsFolder(root), imageClassification.id))).map(({ entry }) => entry);
  const withExamples = await retrievalEntriesWithExamples(join(resultsFolder(root), metricLearning.id));
  const retrieval = withExamples.map(({ entry }) => entry);
  const stale = (await pagesOf(root, entries, withExamples)).filter(({ before, after }) => before !== after);
  const names = stale.map(({ path }) => relative(context.cwd, path));
  context.result({ entries: [...entries, ...retrieval], stale: names, written: stale.length > 0 && !check });
  if (entries.length > 0) context.line(formatTable(entries));
  if (retrieval.length > 0) context.line(formatRetrievalTable(retrieval));
  if (stale.length === 0) {
    context.line('All pages are up to date.');
    return exitCodes.ok;
  }
  if (check) {
    context.line(`Stale: ${names.join(', ')}. Run: robustjs leaderboard`);
    return exitCodes.failed;
  }
  for (const { path, after } of stale) await writeFile(path, after);
  context.line(`Wrote ${names.join(', ')}.`);
  return exitCodes.ok;
}

/** The benchmark's page, the repository's, those of attacks and of claims, and one for each plugin, as they are and as they ought to be. */
async function pagesOf(root: string, entries: readonly Entry[], withExamples: readonly RetrievalEntryWithExamples[]): Promise<Page[]> {
  const retrieval = withExamples.map(({ entry }) => entry);
  const page = async (path: string, render: (text: string) => string, empty = ''): Promise<Page> => {
    const before = existsSync(path) ? await readFile(path, 'utf8') : '';
    return { path, before, after: before === '' && empty === '' ? '' : render(before || empty) };
  };
  const speed = await newestPerformance(root);
  const plugins = existsSync(join(root, 'plugins')) ? await readdir(join(root, 'plugins')) : [];
  const measured = plugins.filter((id) => entries.some(({ method }) => method.id === id));
  return Promise.all([
    page(join(root, 'benchmarks', 'README.md'), (text) => withSpeed(renderLeaderboardReadme(text, entries, retrieval), speed), EMPTY),
    page(join(root, 'README.md'), (text) => (text.includes('<!-- leaderboard:start -->') ? renderLeaderboardReadme(text, entries, retrieval) : text)),
    page(join(root, 'docs', 'attacks.md'), attacksPage),
    page(join(root, 'docs', 'claims', 'metric-learning.md'), (text) => renderClaims(text, withExamples)),
    ...measured.map((id) =>
      page(join(root, 'plugins', id, 'README.md'), (text) => renderResultBlock(text, entries.filter(({ method }) => method.id === id || method.id === 'standard'))),
    ),
  ]);
}

const withSpeed = (text: string, record: PerformanceRecord | undefined): string => (record === undefined ? text : renderPerformance(text, record));

/** The newest record of the performance benchmark that has the format of today; their names are times. */
async function newestPerformance(root: string): Promise<PerformanceRecord | undefined> {
  const folder = join(resultsFolder(root), 'performance');
  const names = existsSync(folder) ? (await readdir(folder)).filter((name) => name.endsWith('.json')).sort() : [];
  const records = await Promise.all(names.map((name) => readJsonFile(join(folder, name), 'a performance record') as Promise<Partial<PerformanceRecord>>));
  return records.filter((record): record is PerformanceRecord => record.format === 3).at(-1);
}

/** Copies a run's entries, outcomes, networks and times to where published results lie. */
async function addRun(run: string, root: string, { line }: Context): Promise<void> {
  const found = await entriesOf(join(run, 'entries'));
  if (found.length === 0) throw usage('the folder of a run with entries', run, 'pass the folder that robustjs bench wrote');
  refuseUnpublishable(found);
  const timings = (await readJsonFile(join(run, 'timing.json'), 'the times of a run')) as Readonly<Record<string, unknown>>;
  for (const stored of found) {
    const folder = join(resultsFolder(root), stored.track);
    await mkdir(folder, { recursive: true });
    const id = basename(stored.path, '.json');
    await copyFile(stored.path, join(folder, `${id}.json`));
    await copyFile(join(run, 'entries', `${id}.examples.jsonl`), join(folder, `${id}.examples.jsonl`));
    await copyFile(join(run, 'networks', `${id}.safetensors`), join(folder, `${id}.safetensors`));
    await addTiming(join(folder, 'timing.json'), id, timings[stored.entry.id]);
    line(`added    ${relative(root, folder)}/${id}.json`);
  }
}

/** Nothing of a run is copied where one entry breaks a rule of publication; those of retrieval are of another kind. */
function refuseUnpublishable(found: Awaited<ReturnType<typeof entriesOf>>): void {
  const broken = found.flatMap(({ entry, track }) => (track === imageClassification.id ? refusalsOf(entry as Entry).map(({ rule, says }) => `${entry.id}: ${says} (${rule})`) : []));
  if (broken.length === 0) return;
  throw new RobustError('RJS_PUBLICATION', { expected: 'entries fit for publication', got: broken.join('; '), fix: 'evaluate again without what is named; the run itself stays as it is' });
}

/** The entries of a run, whatever its track: all of them are of one. */
async function entriesOf(folder: string): Promise<{ path: string; entry: { id: string }; track: string }[]> {
  const first = existsSync(folder) ? (await readdir(folder)).find((name) => name.endsWith('.json')) : undefined;
  const { track } = first === undefined ? {} : ((await readJsonFile(join(folder, first), 'an entry')) as { track?: string });
  if (track === metricLearning.id) return (await retrievalEntriesIn(folder)).map((stored) => ({ ...stored, track }));
  return (await entriesIn(folder)).map((stored) => ({ ...stored, track: imageClassification.id }));
}

async function addTiming(path: string, id: string, timing: unknown): Promise<void> {
  const before = existsSync(path) ? ((await readJsonFile(path, 'the times of results')) as object) : {};
  const after = Object.fromEntries(Object.entries({ ...before, [id]: timing }).sort(([a], [b]) => (a < b ? -1 : 1)));
  await writeFile(path, `${JSON.stringify(after, null, 2)}\n`);
}
