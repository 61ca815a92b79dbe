import { RobustError } from '@robustjs/core';

/**
 * The path of an archive's entry, relative and without `./`.
 *
 * @param archive name for errors.
 * @param offset byte of the entry in the archive, for errors.
 * @throws RobustError `RJS_DATA_PATH` for a path that leaves the archive's folder.
 */
export function archivePath(path: string, archive: string, offset: number): string {
  const parts = path.split('/').filter((part, i) => part !== '.' && (part !== '' || i === 0));
  if (parts[0] === '' || parts.includes('..') || /[\\\0]/.test(path) || /^[a-zA-Z]:/.test(path)) {
    throw unsafeEntry(JSON.stringify(path), archive, offset);
  }
  return parts.join('/');
}

/** An archive's entry that could write or point outside of it. */
export function unsafeEntry(what: string, archive: string, offset: number): RobustError {
  return new RobustError('RJS_DATA_PATH', {
    expected: 'files and folders below the root of the archive',
    got: `${what} at byte ${offset} of ${archive}`,
    fix: 'do not use this archive, or pack it again without links and absolute paths',
  });
}
