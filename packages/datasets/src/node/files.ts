import { createReadStream } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { RobustError } from '@robustjs/core';
import { brokenFile, tooLarge } from '../errors.ts';

/** Most bytes that one file may declare to hold. */
export const MAX_BYTES: number = 2 ** 31;
// Deflate cannot shrink below this share (zlib's technical notes: 1032:1).
const DEFLATE_RATIO = 1032;

/** `'file'`, `'folder'`, or undefined where there is nothing to read. */
export async function kindOf(path: string): Promise<'file' | 'folder' | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile()) return 'file';
  return found?.isDirectory() ? 'folder' : undefined;
}

/** The first of these paths that is a file. */
export async function firstFile(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) if ((await kindOf(path)) === 'file') return path;
  return undefined;
}

/** Runs with an open file and closes it. */
export async function withFile<T>(path: string, use: (file: FileHandle, size: number) => Promise<T>): Promise<T> {
  const file = await open(path).catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  try {
    return await use(file, (await file.stat()).size);
  } finally {
    await file.close();
  }
}

/** A file that could not be opened. */
export function unreadable(path: string, cause: unknown): RobustError {
  return new RobustError('RJS_DATA_MISSING', { expected: `to read ${path}`, got: cause instanceof Error ? cause.message : String(cause), fix: 'check the path and its permissions', cause });
}

/** Bytes from a place in a file; fewer only at its end. */
export async function readAt(file: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

/** What a reader makes of the first bytes of a file. */
export interface Plan {
  /** How many bytes it wants to see. */
  readonly headBytes: number;
  /** How many bytes the whole file must have; throws for a wrong head. */
  total(head: Uint8Array): number;
}

/**
 * Reads a file whose head says how long it is, unpacking gzip where it is packed. Nothing is allocated before the declared
 * length was held against the size of the file.
 *
 * @throws RobustError `RJS_DATA_FORMAT` for a file of another length or broken gzip, `RJS_DATA_LIMIT` for a length that
 * cannot be true, `RJS_DATA_MISSING` when it cannot be opened.
 */
export async function readDeclared(path: string, plan: Plan): Promise<Uint8Array> {
  const plain = await withFile(path, async (file, size) => {
    const head = await readAt(file, 0, Math.min(plan.headBytes, size));
    if (head[0] === 0x1f && head[1] === 0x8b) return undefined;
    const total = plan.total(head);
    if (total !== size) throw wrongLength(path, total, size);
    return readAt(file, 0, checkTotal(path, total, size));
  });
  return plain ?? readGzip(path, plan);
}

async function readGzip(path: string, plan: Plan): Promise<Uint8Array> {
  const packed = await withFile(path, async (_file, size) => size);
  let head = new Uint8Array(0);
  let whole: Uint8Array | undefined;
  let filled = 0;
  for await (const chunk of gunzipped(path)) {
    if (whole === undefined) {
      head = concat(head, chunk);
      if (head.length < plan.headBytes) continue;
      whole = new Uint8Array(checkTotal(path, plan.total(head), packed * DEFLATE_RATIO));
    }
    const next = filled === 0 ? head : chunk;
    if (filled + next.length > whole.length) throw wrongLength(path, whole.length, filled + next.length);
    whole.set(next, filled);
    filled += next.length;
  }
  if (whole === undefined) {
    const total = plan.total(head);
    if (total !== head.length) throw wrongLength(path, total, head.length);
    return head;
  }
  if (filled !== whole.length) throw wrongLength(path, whole.length, filled);
  return whole;
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

function wrongLength(path: string, total: number, size: number): RobustError {
  return brokenFile(path, Math.min(total, size), `${total} bytes, as its header says`, `${size > total ? 'more' : 'the end'}`);
}

function checkTotal(path: string, total: number, possible: number): number {
  const most = Math.min(possible, MAX_BYTES);
  if (total > most) throw tooLarge(path, `at most ${most} bytes`, `a header that declares ${total}`);
  return total;
}

/** The bytes of a gzip file, unpacked, chunk by chunk. */
async function* gunzipped(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  const packed = createReadStream(path);
  const gunzip = createGunzip();
  packed.on('error', (error) => gunzip.destroy(error));
  packed.pipe(gunzip);
  try {
    for await (const chunk of gunzip) yield chunk as Uint8Array;
  } catch (cause) {
    throw brokenFile(path, gunzip.bytesWritten, 'gzip data', cause instanceof Error ? cause.message : String(cause), cause);
  } finally {
    packed.destroy();
    gunzip.destroy();
  }
}

/** The bytes of a file, unpacked where it is gzip, chunk by chunk. */
export async function* unpacked(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  const head = await withFile(path, (file) => readAt(file, 0, 2));
  if (head[0] === 0x1f && head[1] === 0x8b) yield* gunzipped(path);
  else for await (const chunk of createReadStream(path)) yield chunk as Uint8Array;
}
