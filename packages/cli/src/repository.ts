import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The root of the RobustJS repository that a folder lies in; undefined outside of one. */
export function repositoryOf(cwd: string): string | undefined {
  for (let folder = cwd; ; folder = dirname(folder)) {
    if (isRepository(folder)) return folder;
    if (folder === dirname(folder)) return undefined;
  }
}

function isRepository(folder: string): boolean {
  const manifest = join(folder, 'package.json');
  if (!existsSync(manifest)) return false;
  try {
    return (JSON.parse(readFileSync(manifest, 'utf8')) as { name?: string }).name === '@robustjs/root';
  } catch {
    return false;
  }
}

/** Where the results that are published lie. */
export const resultsFolder = (root: string): string => join(root, 'benchmarks', 'results');
