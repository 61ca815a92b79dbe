import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { compareEntries, entriesIn, type EntryWithExamples, type PairedDifference, imageClassification, readEntryWithExamples } from '@robustjs/harness';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { repositoryOf, resultsFolder } from '../repository.ts';
import { textTable } from '../ui/table.ts';
import { nearest, usage } from '../usage.ts';

/** `robustjs compare`. */
export async function compare(a: string, b: string, context: Context): Promise<number> {
  const first = await open(a, context.cwd);
  const second = await open(b, context.cwd);
  const differences = compareEntries(first, second);
  context.result({ a: first.entry.id, b: second.entry.id, differences });
  context.line(`${first.entry.id} minus ${second.entry.id}, on the same examples of ${first.entry.dataset.id}; points of accuracy with 95 % intervals`);
  context.line();
  context.line(textTable([['accuracy', 'difference', '95 % interval', `only ${first.entry.id}`, `only ${second.entry.id}`, 'n', 'p'], ...differences.map(row)]));
  context.line();
  for (const difference of differences) context.line(verdict(difference, first.entry.id, second.entry.id));
  return exitCodes.ok;
}

async function open(name: string, cwd: string): Promise<EntryWithExamples> {
  const path = resolve(cwd, name);
  if (name.endsWith('.json') || existsSync(path)) return readEntryWithExamples(path);
  const root = repositoryOf(cwd);
  const folders = root === undefined ? [] : [join(resultsFolder(root), imageClassification.id)];
  const stored = (await Promise.all(folders.map((folder) => entriesIn(folder)))).flat();
  const found = stored.find(({ entry }) => entry.id === name);
  if (found !== undefined) return readEntryWithExamples(found.path);
  const ids = stored.map(({ entry }) => entry.id);
  const guess = nearest(name, ids);
  const known = ids.length === 0 ? 'the .json file of an entry' : `the .json file of an entry, or one among ${ids.join(', ')}`;
  throw usage(known, JSON.stringify(name), guess === undefined ? 'entries lie in the entries folder of a run' : `did you mean ${guess}?`);
}

const points = (share: number): string => `${share < 0 ? '' : '+'}${(100 * share).toFixed(1)}`;

const named = ({ eps }: PairedDifference): string => (eps === null ? 'clean' : `robust at ${Number(eps.toPrecision(3))}`);

function row(difference: PairedDifference): string[] {
  const { onlyFirst, onlySecond, n, ci95, pValue } = difference;
  const p = pValue < 1e-4 ? '<0.0001' : pValue.toFixed(4);
  return [named(difference), points(difference.difference), `${points(ci95[0])} … ${points(ci95[1])}`, String(onlyFirst), String(onlySecond), String(n), p];
}

function verdict(difference: PairedDifference, a: string, b: string): string {
  const [low, high] = difference.ci95;
  if (low > 0) return `${named(difference)}: ${a} is better`;
  return `${named(difference)}: ${high < 0 ? `${b} is better` : 'not shown to differ at this size'}`;
}
