import { readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { wrong } from '../errors.ts';

// Locks of this process: one that it does not know of is a dead one's with the same number.
const held = new Set<string>();

/**
 * Takes a file as a sign that this process is at work beside it. One that a dead process left is taken over.
 *
 * @returns what lets go of it.
 * @throws RobustError `RJS_EVALUATE_FOLDER` naming the process that has it.
 */
export async function takeLock(path: string): Promise<() => Promise<void>> {
  if (!(await written(path))) {
    const owner = Number(await readFile(path, 'utf8').catch(() => ''));
    if (held.has(path) || isAlive(owner)) {
      throw wrong('FOLDER', `no other process at work in ${dirname(path)}`, `process ${owner}`, 'wait until it is done, or choose another folder with --out');
    }
    await rm(path, { force: true });
    if (!(await written(path))) return takeLock(path);
  }
  held.add(path);
  return async () => {
    held.delete(path);
    await rm(path, { force: true });
  };
}

/** Whether the file was not there and now says this process. */
const written = (path: string): Promise<boolean> =>
  writeFile(path, String(process.pid), { flag: 'wx' }).then(() => true, (error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') return false;
    throw error;
  });

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It is there, but somebody else's.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
