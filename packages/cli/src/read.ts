import { readFile } from 'node:fs/promises';
import { RobustError } from '@robustjs/core';
import { unreadable } from './usage.ts';

/** The bytes of a file that the user named. */
export async function readBytes(path: string, what: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw unreadable(path, what, cause);
  }
}

/** The JSON in a file that the user named. */
export async function readJsonFile(path: string, what: string): Promise<unknown> {
  const text = new TextDecoder().decode(await readBytes(path, what));
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new RobustError('RJS_FILE', { expected: `${what} as JSON in ${path}`, got: cause instanceof Error ? cause.message : String(cause), fix: 'check the file', cause });
  }
}
