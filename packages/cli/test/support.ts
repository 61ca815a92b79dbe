import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';

/** The built command, as users run it. */
export const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));

/** The root of the repository. */
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** What a finished command left. */
export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command in a folder. `onStderr` sees what it says while it runs. */
export function robustjs(args: readonly string[], cwd: string, onStderr?: (text: string, child: ChildProcess) => void): Promise<Finished> {
  return finished(spawn(process.execPath, [MAIN, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] }), onStderr);
}

/** Waits for a process and collects what it prints. */
export function finished(child: ChildProcess, onStderr?: (text: string, child: ChildProcess) => void): Promise<Finished> {
  let [stdout, stderr] = ['', ''];
  child.stdout!.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr!.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
    onStderr?.(stderr, child);
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** A folder outside of any repository, removed after the tests of the file. */
export function temporaryFolder(): string {
  const path = mkdtempSync(join(tmpdir(), 'robustjs-cli-'));
  afterAll(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** JSON that a command printed. */
export const parsed = <T>(text: string): T => JSON.parse(text) as T;
