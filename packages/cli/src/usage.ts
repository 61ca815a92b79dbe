import { RobustError } from '@robustjs/core';

/** A command line that makes no sense. */
export const usage = (expected: string, got: string, fix: string): RobustError => new RobustError('RJS_USAGE', { expected, got, fix });

/** A file that cannot be read. */
export function unreadable(path: string, what: string, cause: unknown): RobustError {
  const { code, message } = cause as NodeJS.ErrnoException;
  return new RobustError('RJS_FILE', {
    expected: `${what} at ${path}`,
    got: code === 'ENOENT' ? 'no such file' : code === 'EISDIR' ? 'a folder' : code === 'EACCES' ? 'no permission to read it' : message,
    fix: 'check the path',
    cause,
  });
}

/** The known word that is nearest to one that was typed, where one is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const [best] = known.map((candidate) => ({ candidate, distance: editDistance(word, candidate) })).sort((a, b) => a.distance - b.distance);
  return best !== undefined && best.distance <= Math.max(1, Math.floor(word.length / 3)) ? best.candidate : undefined;
}

/** Insertions, deletions, replacements and swaps of neighbours that lead from one word to the other. */
function editDistance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const [before, above] = [rows[i - 2], rows[i - 1]!];
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = above[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = before !== undefined && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? before[j - 2]! + 1 : Infinity;
      row.push(Math.min(above[j]! + 1, row[j - 1]! + 1, replaced, swapped));
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
