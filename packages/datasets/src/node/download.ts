import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat, truncate } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RobustError, throwIfAborted } from '@robustjs/core';

/** What to download, and where to keep it. */
export interface DownloadOptions {
  readonly url: string;
  /** Folder that keeps it; made where it is missing. */
  readonly cacheDir: string;
  /** Name in that folder. Default: the last part of the address. */
  readonly name?: string;
  /** SHA-256 it must have, in hexadecimal. This or `md5` is required. */
  readonly sha256?: string;
  /** MD5 it must have: against accidents only, where its publisher gives nothing better. */
  readonly md5?: string;
  /** Bytes it must have; more are not accepted from the server. */
  readonly bytes?: number;
  /** Called as bytes arrive, those of an earlier attempt included; `total` is absent where the server does not say. */
  readonly onProgress?: (progress: { readonly received: number; readonly total?: number }) => void;
  readonly signal?: AbortSignal;
  /** How often a dropped connection or a busy server is tried again. Default 4. */
  readonly retries?: number;
  /** Milliseconds before the first retry; doubled every time. Default 500. */
  readonly retryDelay?: number;
  /** Milliseconds without a byte after which a connection counts as dropped. Default 60,000. */
  readonly stallTimeout?: number;
}

interface Attempt extends DownloadOptions {
  /** Where an unfinished file is kept between attempts. */
  readonly part: string;
}

/**
 * Downloads a file once. What arrives goes to `NAME.part`, an unfinished one is resumed, and only a file with the right
 * hash gets its name; so a file under that name is whole. A file that is there already is checked, not fetched.
 *
 * @returns the path of the file.
 * @throws RobustError `RJS_DATA_DOWNLOAD` when the server refuses or the connection keeps failing, `RJS_DATA_HASH` when
 * the file is not the one expected (it is removed), `RJS_DATA_CACHE` when it cannot be written, `RJS_ABORTED` when stopped (what arrived is kept for the next time).
 */
export async function download(options: DownloadOptions): Promise<string> {
  if (options.sha256 === undefined && options.md5 === undefined) {
    throw new RobustError('RJS_DATA_HASH', { expected: 'the sha256 or md5 of the file', got: 'neither', fix: 'pass the hash that its publisher gives' });
  }
  const path = join(options.cacheDir, options.name ?? basename(new URL(options.url).pathname));
  try {
    await downloadTo(path, options);
    return path;
  } catch (error) {
    if (!isFileError(error)) throw error;
    throw new RobustError('RJS_DATA_CACHE', { expected: `to write ${path}`, got: error.message, fix: 'free some room, or choose another cacheDir', cause: error });
  }
}

async function downloadTo(path: string, options: DownloadOptions): Promise<void> {
  if ((await sizeOf(path)) !== undefined && (await wrongHash(path, options)) === undefined) return;
  await mkdir(options.cacheDir, { recursive: true });
  const attempt = { ...options, part: `${path}.part` };
  const resumed = ((await sizeOf(attempt.part)) ?? 0) > 0;
  await fetchWhole(attempt);
  let wrong = await wrongHash(attempt.part, options);
  if (wrong !== undefined && resumed) {
    // The old part may have been of another version of the file: once more from the start.
    await rm(attempt.part, { force: true });
    await fetchWhole(attempt);
    wrong = await wrongHash(attempt.part, options);
  }
  if (wrong !== undefined) {
    await rm(attempt.part, { force: true });
    throw new RobustError('RJS_DATA_HASH', { expected: `${wrong.expected} for ${options.url}`, got: wrong.got, fix: 'try again, or put the file there by hand' });
  }
  await rename(attempt.part, path);
}

async function sizeOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.size;
}

async function wrongHash(path: string, { sha256, md5, bytes }: DownloadOptions): Promise<{ expected: string; got: string } | undefined> {
  const size = (await sizeOf(path)) ?? 0;
  if (bytes !== undefined && size !== bytes) return { expected: `${bytes} bytes`, got: `${size} bytes` };
  const [algorithm, expected] = sha256 !== undefined ? ['sha256', sha256] : ['md5', md5!];
  const hash = createHash(algorithm);
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  const got = hash.digest('hex');
  return got === expected.toLowerCase() ? undefined : { expected: `${algorithm} ${expected}`, got };
}

/** A failure after which another attempt may succeed. */
class Dropped extends Error {}

async function fetchWhole(attempt: Attempt): Promise<void> {
  const { retries = 4, retryDelay = 500, signal, url } = attempt;
  for (let tried = 0; ; tried++) {
    throwIfAborted(signal);
    try {
      await fetchRest(attempt);
      return;
    } catch (error) {
      throwIfAborted(signal);
      if (!(error instanceof Dropped)) throw error;
      if (tried >= retries) throw failed(url, `${error.message}, ${tried + 1} times`, 'check the connection and run it again: it goes on where it stopped', error.cause);
    }
    // Stopped in its sleep, it is told so at the start of the next attempt.
    await sleep(retryDelay * 2 ** tried, undefined, signal && { signal }).catch(() => {});
  }
}

async function fetchRest(attempt: Attempt): Promise<void> {
  const { bytes, part, url } = attempt;
  const have = (await sizeOf(part)) ?? 0;
  if (have > 0 && have === bytes) return;
  const stall = new AbortController();
  const signals = [stall.signal, ...(attempt.signal ? [attempt.signal] : [])];
  const watch = watchdog(attempt.stallTimeout ?? 60_000, () => stall.abort(new Error('no data')));
  try {
    const response = await fetch(url, {
      headers: { 'accept-encoding': 'identity', ...(have > 0 && { range: `bytes=${have}-` }) },
      signal: AbortSignal.any(signals),
    });
    const from = await startOf(response, have, attempt);
    await append(response, from, attempt, watch.touch);
  } catch (error) {
    if (error instanceof RobustError || error instanceof Dropped || isFileError(error)) throw error;
    throw new Dropped(error instanceof Error ? error.message : String(error), { cause: error });
  } finally {
    watch.stop();
  }
}

// A full disk or a folder that must not be written is not cured by another attempt.
const FILE_CALLS = ['open', 'write', 'ftruncate', 'close', 'mkdir', 'rename', 'unlink', 'rm', 'scandir'];
const isFileError = (error: unknown): error is Error => error instanceof Error && 'syscall' in error && FILE_CALLS.includes(String(error.syscall));

/** The byte that the body starts at: where we stopped if the server takes ranges, else 0. */
async function startOf(response: Response, have: number, { url, part, bytes }: Attempt): Promise<number> {
  const { status } = response;
  if (status === 206) {
    const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '');
    if (range?.[1] === String(have) && (bytes === undefined || range[2] === '*' || Number(range[2]) === bytes)) return have;
  } else if (status === 200) {
    checkLength(response, { url, bytes });
    return 0;
  }
  await response.body?.cancel();
  if (status === 206 || status === 416) {
    // What we have does not belong to what the server has.
    await rm(part, { force: true });
    throw new Dropped(`range refused (${status})`);
  }
  if (status === 408 || status === 429 || status >= 500) throw new Dropped(`status ${status}`);
  throw failed(url, `status ${status}`, 'check the address, or put the file into the cache by hand');
}

function checkLength(response: Response, { url, bytes }: { url: string; bytes: number | undefined }): void {
  const length = response.headers.get('content-length');
  if (bytes !== undefined && length !== null && Number(length) !== bytes) {
    throw new RobustError('RJS_DATA_HASH', { expected: `${bytes} bytes from ${url}`, got: length, fix: 'the file has changed: put the right one into the cache by hand' });
  }
}

async function append(response: Response, from: number, attempt: Attempt, touch: () => void): Promise<void> {
  const length = response.headers.get('content-length');
  const total = attempt.bytes ?? (length === null ? undefined : from + Number(length));
  let received = from;
  if (from === 0) await truncate(attempt.part, 0).catch(() => undefined);
  const file = await open(attempt.part, 'a');
  try {
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      touch();
      received += chunk.length;
      if (total !== undefined && received > total) break;
      await file.writeFile(chunk);
      attempt.onProgress?.({ received, ...(total !== undefined && { total }) });
    }
  } finally {
    await file.close();
  }
  if (total === undefined || received === total) return;
  if (received < total) throw new Dropped(`${received} of ${total} bytes`);
  await rm(attempt.part, { force: true });
  throw new RobustError('RJS_DATA_HASH', { expected: `${total} bytes from ${attempt.url}`, got: 'more', fix: 'the file has changed: put the right one into the cache by hand' });
}

function watchdog(milliseconds: number, bark: () => void): { touch: () => void; stop: () => void } {
  let timer = setTimeout(bark, milliseconds);
  return {
    touch: () => {
      clearTimeout(timer);
      timer = setTimeout(bark, milliseconds);
    },
    stop: () => clearTimeout(timer),
  };
}

function failed(url: string, got: string, fix: string, cause?: unknown): RobustError {
  return new RobustError('RJS_DATA_DOWNLOAD', { expected: `to download ${url}`, got, fix, cause });
}
