import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { RobustError } from '@robustjs/core';
import { extract, type Header } from 'tar-stream';
import { archivePath, unsafeEntry } from '../archive-path.ts';
import { brokenFile, tooLarge } from '../errors.ts';
import { MAX_BYTES, unpacked } from './files.ts';

/** What is kept of an archive. */
export interface ArchiveOptions {
  /** Whether this file is wanted. */
  readonly wants: (path: string) => boolean;
  /** Most bytes to hold. Default 2 GiB. */
  readonly maxBytes?: number;
}

/**
 * Reads files out of a `.tar` or `.tar.gz` into memory. Nothing is written anywhere.
 *
 * @returns the bytes of every file wanted, by path.
 * @throws RobustError `RJS_DATA_FORMAT` for a broken archive, `RJS_DATA_PATH` for links and paths that lead out of it,
 * `RJS_DATA_LIMIT` for more than `maxBytes`.
 */
export async function readArchive(archive: string, { wants, maxBytes = MAX_BYTES }: ArchiveOptions): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  const store = arena();
  const progress = { offset: 0, endsInZeros: false, held: 0 };
  const tar = extract();
  tar.on('entry', (header, stream, next) => {
    // A broken archive fails its entries too; the archive's own error is the one that is thrown.
    stream.on('error', () => {});
    const chunks: Uint8Array[] = [];
    let path: string | undefined;
    try {
      path = wantedPath(header, archive, stream.offset, wants);
      if (path !== undefined) {
        if (files.has(path)) throw brokenFile(archive, stream.offset, 'every file once', path);
        progress.held += header.size ?? 0;
        if (progress.held > maxBytes) throw tooLarge(archive, `files of ${maxBytes} bytes at most`, `${progress.held} up to ${path}`);
      }
    } catch (error) {
      next(error as Error);
      return;
    }
    stream.on('data', (chunk) => {
      if (path !== undefined) chunks.push(chunk as Uint8Array);
    });
    stream.on('end', () => {
      if (path !== undefined) files.set(path, store(chunks));
      next();
    });
  });
  try {
    await pipeline(Readable.from(counted(unpacked(archive), progress)), tar);
  } catch (cause) {
    if (cause instanceof RobustError) throw cause;
    throw brokenFile(archive, progress.offset, 'a tar archive', cause instanceof Error ? cause.message : String(cause), cause);
  }
  // An archive ends in blocks of zeros; one that was cut off between two files does not.
  if (!progress.endsInZeros) throw brokenFile(archive, progress.offset, 'the zeros that end a tar archive', 'the end');
  return files;
}

async function* counted(chunks: AsyncIterable<Uint8Array>, progress: { offset: number; endsInZeros: boolean }): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    yield chunk;
    progress.offset += chunk.length;
    progress.endsInZeros = chunk.subarray(-512).every((byte) => byte === 0);
  }
}

function wantedPath(header: Header, archive: string, offset: number, wants: (path: string) => boolean): string | undefined {
  const path = archivePath(header.name, archive, offset);
  if (header.type === 'directory') return undefined;
  if (header.type !== 'file' && header.type !== 'contiguous-file') throw unsafeEntry(`${header.type ?? 'an unknown entry'} ${path}`, archive, offset);
  return wants(path) ? path : undefined;
}

const BLOCK = 2 ** 22;

/** Copies small files into large blocks: a view of a decompressed chunk would keep the whole chunk alive. */
function arena(): (chunks: readonly Uint8Array[]) => Uint8Array {
  let block = new Uint8Array(0);
  return (chunks) => {
    const size = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    if (size > block.length) block = new Uint8Array(Math.max(size, BLOCK));
    const place = block.subarray(0, size);
    block = block.subarray(size);
    let offset = 0;
    for (const chunk of chunks) {
      place.set(chunk, offset);
      offset += chunk.length;
    }
    return place;
  };
}
