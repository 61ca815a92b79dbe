import { RobustError } from '@robustjs/core';

/** A file that is not what it should be; names the file and the byte where it went wrong. */
export function brokenFile(file: string, offset: number, expected: string, got: string, cause?: unknown): RobustError {
  return new RobustError('RJS_DATA_FORMAT', {
    expected,
    got: `${got} at byte ${offset} of ${file}`,
    fix: 'the file is cut off, damaged or of another kind: fetch it again',
    cause,
  });
}

/** Parts that should belong together but do not. */
export function mismatch(expected: string, got: string, fix: string): RobustError {
  return new RobustError('RJS_DATA_MISMATCH', { expected, got, fix });
}

/** A size above what we are ready to hold. */
export function tooLarge(file: string, expected: string, got: string): RobustError {
  return new RobustError('RJS_DATA_LIMIT', { expected: `${expected} in ${file}`, got, fix: 'the file is damaged, or its images must be unpacked into a folder first' });
}
