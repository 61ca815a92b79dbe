import { access, constants, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { RobustError } from '@robustjs/core';

/** Where the files of one arm lie in the folder of a run. */
export interface ArmFiles {
  /** The record; it is written last, so where it is, the arm is complete. */
  readonly entry: string;
  /** Outcomes example by example. */
  readonly examples: string;
  /** Weights, with the recipe in the header. */
  readonly network: string;
  /** Training curves, pictures and timing: what the report shows besides the record. */
  readonly details: string;
  /** Folder of the trainer's checkpoints. */
  readonly checkpoint: string;
  /** Seconds spent so far. */
  readonly timing: string;
}

/** The files of an arm. */
export function armFiles(outDir: string, id: string): ArmFiles {
  return {
    entry: join(outDir, 'entries', `${id}.json`),
    examples: join(outDir, 'entries', `${id}.examples.jsonl`),
    network: join(outDir, 'networks', `${id}.safetensors`),
    details: join(outDir, 'details', `${id}.json`),
    checkpoint: join(outDir, 'checkpoint', id),
    timing: join(outDir, 'checkpoint', id, 'timing.json'),
  };
}

/**
 * Makes a folder unless it is there, before work is done whose results belong into it.
 *
 * @throws RobustError `RJS_FILE` when it cannot be made, or nothing can be written to it.
 */
export async function writableFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
    await access(path, constants.W_OK);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const got = code === 'EEXIST' || code === 'ENOTDIR' ? 'a file in its place' : code === 'EACCES' || code === 'EPERM' ? 'no permission' : code === 'EROFS' ? 'a disk that is read-only' : message;
    throw new RobustError('RJS_FILE', { expected: `a folder to write to at ${path}`, got, fix: 'choose another one with --out', cause });
  }
}

/** Writes a file whole or not at all, also when the machine stops in between. */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const file = await open(temporary, 'w');
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** A value as JSON for people and diffs. */
export const prettyJson = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** The JSON in a file; undefined where there is no such file. */
export async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  });
  return text === undefined ? undefined : (JSON.parse(text) as unknown);
}
