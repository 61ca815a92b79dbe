import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RobustError } from '@robustjs/core';
import { type Entry, entryFromJson, type EntryWithExamples, type ExampleRecord, examplesFromJsonl } from '../evaluate/index.ts';
import type { RetrievalEntryWithExamples } from '../report/index.ts';
import { type RetrievalEntry, retrievalEntryFromJson } from '../retrieval/index.ts';

/** An entry and the file it came from. */
export interface StoredEntry {
  readonly path: string;
  readonly entry: Entry;
}

/**
 * Reads the entry in a file.
 *
 * @throws RobustError `RJS_FILE` when it cannot be read, `RJS_ENTRY` when it is no entry.
 */
export async function readEntry(path: string): Promise<StoredEntry> {
  const text = await readText(path, 'an entry');
  return { path, entry: entryFromJson(text, path) };
}

/** An entry of any track. */
export type AnyEntry = Entry | RetrievalEntry;

/** An entry of the track `metric-learning` and the file it came from. */
export interface StoredRetrievalEntry {
  readonly path: string;
  readonly entry: RetrievalEntry;
}

/**
 * Reads the entry of the track `metric-learning` in a file.
 *
 * @throws RobustError `RJS_FILE` when it cannot be read, `RJS_ENTRY` when it is no such entry.
 */
export async function readRetrievalEntry(path: string): Promise<StoredRetrievalEntry> {
  return { path, entry: retrievalEntryFromJson(await readText(path, 'an entry'), path) };
}

/** All entries of a folder, by name; none where there is no such folder. */
export const entriesIn = async (folder: string): Promise<StoredEntry[]> => Promise.all((await entryFiles(folder)).map(readEntry));

/** All entries of the track `metric-learning` in a folder, by name; none where there is no such folder. */
export const retrievalEntriesIn = async (folder: string): Promise<StoredRetrievalEntry[]> => Promise.all((await entryFiles(folder)).map(readRetrievalEntry));

async function entryFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  });
  return names.filter((name) => name.endsWith('.json') && name !== 'timing.json').sort().map((name) => join(folder, name));
}

/**
 * An entry with the outcomes in the file beside it, ready to be compared.
 *
 * @throws RobustError `RJS_FILE`, `RJS_ENTRY`, `RJS_EXAMPLES`.
 */
export async function readEntryWithExamples(path: string): Promise<EntryWithExamples> {
  const { entry } = await readEntry(path);
  return { entry, examples: await examplesBeside(path) };
}

/**
 * All entries of the track `metric-learning` in a folder with the outcomes beside them, by name; none where there is no such folder.
 *
 * @throws RobustError `RJS_FILE`, `RJS_ENTRY`, `RJS_EXAMPLES`.
 */
export const retrievalEntriesWithExamples = async (folder: string): Promise<RetrievalEntryWithExamples[]> =>
  Promise.all((await retrievalEntriesIn(folder)).map(async ({ path, entry }) => ({ entry, examples: await examplesBeside(path) })));

const examplesBeside = async (path: string): Promise<ExampleRecord[]> =>
  examplesFromJsonl(await readText(path.replace(/(^|[\\/])entry\.json$/, '$1examples.jsonl').replace(/\.json$/, '.examples.jsonl'), 'the outcomes of an entry'));

async function readText(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new RobustError('RJS_FILE', { expected: `${what} at ${path}`, got: code === 'ENOENT' ? 'no such file' : message, fix: 'check the path', cause });
  }
}
