import { createHash } from 'node:crypto';
import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { wrong } from '../errors.ts';
import { takeLock } from './lock.ts';

/**
 * Results that are done, in a file that is only appended to. A record is its length, its SHA-256 and its content; what was
 * torn by the end of a process does not match its hash and is dropped with all that follows.
 */
export interface Journal {
  /** The value recorded under this key; undefined where there is none. */
  get(key: string): Promise<unknown>;
  add(key: string, value: unknown): Promise<void>;
  close(): Promise<void>;
}

/** A record in the file. */
interface Place {
  readonly offset: number;
  readonly length: number;
}

const HEAD = 36;
const IDENTITY = 'identity';

/**
 * Opens the journal of an evaluation, or begins one.
 *
 * @param identity everything that determines the results, field by field.
 * @throws RobustError `RJS_EVALUATE_FOLDER` where the file holds the results of another evaluation, naming a field, or another process is at
 * work on it.
 */
export async function openJournal(path: string, identity: Readonly<Record<string, unknown>>): Promise<Journal> {
  await mkdir(dirname(path), { recursive: true });
  const release = await takeLock(`${path}.lock`);
  // Appending, so that a record is written whole wherever the file ends by then.
  const file = await open(path, 'a+').catch(async (error: unknown) => {
    await release();
    throw error;
  });
  try {
    const places = await scan(file);
    const journal = over(file, places, release);
    const before = (await journal.get(IDENTITY)) as Readonly<Record<string, unknown>> | undefined;
    if (before === undefined) await journal.add(IDENTITY, identity);
    else checkSame(before, identity, path);
    return journal;
  } catch (error) {
    await file.close();
    await release();
    throw error;
  }
}

function over(file: FileHandle, places: Map<string, Place>, release: () => Promise<void>): Journal {
  let last: Promise<unknown> = Promise.resolve();
  const append = async (key: string, value: unknown): Promise<void> => {
    const content = serialize({ key, value });
    const record = Buffer.concat([headOf(content), content]);
    const { size } = await file.stat();
    await file.write(record);
    places.set(key, { offset: size + HEAD, length: content.length });
  };
  return {
    async get(key) {
      const place = places.get(key);
      if (place === undefined) return undefined;
      return recordIn(await bytesAt(file, place)).value;
    },
    add(key, value) {
      const done = last.then(() => append(key, value));
      last = done.catch(() => {});
      return done;
    },
    async close() {
      await last;
      await file.close();
      await release();
    },
  };
}

function headOf(content: Buffer): Buffer {
  const head = Buffer.alloc(HEAD);
  head.writeUInt32LE(content.length);
  head.set(createHash('sha256').update(content).digest(), 4);
  return head;
}

const recordIn = (content: Buffer): { readonly key: string; readonly value: unknown } => deserialize(content) as { key: string; value: unknown };

/** Where the whole records are; what follows the last of them is cut off. */
async function scan(file: FileHandle): Promise<Map<string, Place>> {
  const { size } = await file.stat();
  const places = new Map<string, Place>();
  let end = 0;
  while (end + HEAD <= size) {
    const head = await bytesAt(file, { offset: end, length: HEAD });
    const place = { offset: end + HEAD, length: head.readUInt32LE() };
    if (place.offset + place.length > size) break;
    const content = await bytesAt(file, place);
    if (!headOf(content).equals(head)) break;
    places.set(recordIn(content).key, place);
    end = place.offset + place.length;
  }
  if (end < size) await file.truncate(end);
  return places;
}

async function bytesAt(file: FileHandle, { offset, length }: Place): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
  return buffer.subarray(0, bytesRead);
}

function checkSame(before: Readonly<Record<string, unknown>>, now: Readonly<Record<string, unknown>>, path: string): void {
  const text = (value: unknown): string => JSON.stringify(value) ?? 'nothing';
  const changed = [...new Set([...Object.keys(before), ...Object.keys(now)])].find((name) => text(before[name]) !== text(now[name]));
  if (changed === undefined) return;
  const short = (value: unknown): string => (text(value).length > 120 ? `${text(value).slice(0, 120)}…` : text(value));
  throw wrong('FOLDER', `the evaluation begun in ${dirname(path)}, with ${changed} ${short(before[changed])}`, short(now[changed]), 'choose another folder with --out, or repeat the command that began it');
}
