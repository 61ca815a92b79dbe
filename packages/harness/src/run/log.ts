import { appendFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunEvent } from './events.ts';

/** Appends events to a run's `log.jsonl`, one a line with its time. */
export interface RunLog {
  add(event: RunEvent): void;
  /** Resolves when everything so far is on its way to the disk. */
  flush(): Promise<void>;
}

/** The log of a run; a continued run goes on in the same file. */
export function runLog(outDir: string): RunLog {
  const path = join(outDir, 'log.jsonl');
  let written: Promise<unknown> = mkdir(outDir, { recursive: true });
  // Nobody waits for it before flush, and a failure unheard of would end the process and its workers.
  written.catch(() => {});
  return {
    add(event) {
      if (event.kind === 'progress') return;
      const line = `${JSON.stringify({ time: new Date().toISOString(), ...event })}\n`;
      written = written.then(() => appendFile(path, line));
      written.catch(() => {});
    },
    flush: async () => void (await written),
  };
}
