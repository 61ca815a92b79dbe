import { readFile } from 'node:fs/promises';
import { unzipSync } from 'fflate';
import { archivePath } from '../archive-path.ts';
import { brokenFile, tooLarge } from '../errors.ts';
import { MAX_BYTES, unreadable } from './files.ts';

/**
 * Reads files out of a `.zip` into memory. Nothing is written anywhere.
 *
 * @param wants whether this file is wanted.
 * @param maxBytes most bytes to hold.
 * @returns the bytes of every file wanted, by path.
 * @throws RobustError `RJS_DATA_MISSING`, `RJS_DATA_FORMAT` for a broken archive, `RJS_DATA_PATH` for paths that lead out of it,
 * `RJS_DATA_LIMIT` for more than `maxBytes`.
 */
export async function readZip(archive: string, wants: (path: string) => boolean, maxBytes: number = MAX_BYTES): Promise<Map<string, Uint8Array>> {
  const bytes = await readFile(archive).catch((cause: unknown) => {
    throw unreadable(archive, cause);
  });
  let held = 0;
  const checked = ({ name, originalSize }: { name: string; originalSize: number }): boolean => {
    if (name.endsWith('/') || !wants(archivePath(name, archive, 0))) return false;
    held += originalSize;
    if (held > maxBytes) throw tooLarge(archive, `files of ${maxBytes} bytes at most`, `${held} up to ${name}`);
    return true;
  };
  try {
    return new Map(Object.entries(unzipSync(bytes, { filter: checked })));
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== undefined && String((cause as { code: unknown }).code).startsWith('RJS_')) throw cause;
    throw brokenFile(archive, bytes.length, 'a whole zip archive', cause instanceof Error ? cause.message : String(cause), cause);
  }
}
