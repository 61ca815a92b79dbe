import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RobustError } from '@robustjs/core';
import { type Entry, entryFromJson, type EntryWithExamples, examplesFromJsonl } from '../evaluate/index.ts';

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

/** All entries of a folder, by name; none where there is no such folder. */
export async function entriesIn(folder: string): Promise<StoredEntry[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  });
  return Promise.all(names.filter((name) => name.endsWith('.json') && name !== 'timing.json').sort().map((name) => readEntry(join(folder, name))));
}

/**
 * An entry with the outcomes in the file beside it, ready to be compared.
 *
 * @throws RobustError `RJS_FILE`, `RJS_ENTRY`, `RJS_EXAMPLES`.
 */
export async function readEntryWithExamples(path: string): Promise<EntryWithExamples> {
  const { entry } = await readEntry(path);
  const examples = examplesFromJsonl(await readText(path.replace(/(^|[\\/])entry\.json$/, '$1examples.jsonl').replace(/\.json$/, '.examples.jsonl'), 'the outcomes of an entry'));
  return { entry, examples };
}

async function readText(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new RobustError('RJS_FILE', { expected: `${what} at ${path}`, got: code === 'ENOENT' ? 'no such file' : message, fix: 'check the path', cause });
  }
}
