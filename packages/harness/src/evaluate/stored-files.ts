import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type NpyArray, parseNpy, writeNpy } from '@robustjs/datasets';
import { RobustError } from '@robustjs/core';
import { prettyJson, writeWhole } from '../run/files.ts';
import { renderReport } from '../report/index.ts';
import type { Evaluated } from './evaluate-dataset.ts';
import { type Entry, entryFromJson } from './entry.ts';
import { type ExampleRecord, examplesFromJsonl, examplesToJsonl } from './examples.ts';

/** What belongs beside the record of an evaluation. */
export interface StoreOptions {
  /** Names of the classes, in the order of the labels. */
  readonly classNames?: readonly string[] | undefined;
  /** Wall seconds of this call, threads, and what else belongs into no record. */
  readonly timing?: Readonly<Record<string, unknown>>;
}

/** The file of adversarial inputs at a budget: the one that ranks has the plain name. */
const adversarialName = (eps: number, ranking: boolean): string => (ranking ? 'adversarial.npy' : `adversarial-${Number(eps.toPrecision(6))}.npy`);

/**
 * Writes an evaluation into a folder: `adversarial.npy`, `examples.jsonl`, `timing.json`, `report.html` and, last of all,
 * `entry.json`, so that where it is, all is there.
 *
 * @returns names of the files.
 */
export async function storeEvaluation(folder: string, { entry, examples, adversarial, pictures, seconds, attackSeconds }: Evaluated, { classNames, timing = {} }: StoreOptions = {}): Promise<string[]> {
  const page = await renderReport({ entries: [entry], timings: { [entry.id]: { seconds } }, pictures: { [entry.id]: pictures }, ...(classNames && { classNames }) });
  const files: [string, string | Uint8Array][] = [
    ...adversarial.map(({ eps, shape, values }, i): [string, Uint8Array] => [adversarialName(eps, i === adversarial.length - 1), writeNpy(values, shape)]),
    ['examples.jsonl', examplesToJsonl(examples)],
    ['timing.json', prettyJson({ ...timing, seconds, attacks: attackSeconds })],
    ['report.html', page],
    ['entry.json', prettyJson(entry)],
  ];
  for (const [name, content] of files) await writeWhole(join(folder, name), content);
  return files.map(([name]) => name);
}

/** What an evaluation left in its folder, read without believing it. */
export interface StoredEvaluation {
  readonly entry: Entry;
  readonly examples: readonly ExampleRecord[];
  /** Adversarial inputs at each budget of the entry. */
  readonly adversarial: readonly NpyArray[];
}

/**
 * Reads what {@link storeEvaluation} wrote.
 *
 * @throws RobustError `RJS_FILE`, `RJS_ENTRY`, `RJS_EXAMPLES`, `RJS_DATA_FORMAT`, `RJS_DATA_NPY`.
 */
export async function readEvaluation(folder: string): Promise<StoredEvaluation> {
  const at = (name: string): string => join(folder, name);
  const entry = entryFromJson(new TextDecoder().decode(await bytesOf(at('entry.json'))), at('entry.json'));
  const examples = examplesFromJsonl(new TextDecoder().decode(await bytesOf(at('examples.jsonl'))));
  const last = entry.evaluations.length - 1;
  const names = entry.evaluations.map(({ threat }, i) => adversarialName(threat.eps, i === last));
  const adversarial = await Promise.all(names.map(async (name) => parseNpy(await bytesOf(at(name)), at(name))));
  return { entry, examples, adversarial };
}

async function bytesOf(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new RobustError('RJS_FILE', { expected: `the result of an evaluation at ${path}`, got: code === 'ENOENT' ? 'no such file' : message, fix: 'name the folder that robustjs evaluate wrote, when it was done', cause });
  }
}
