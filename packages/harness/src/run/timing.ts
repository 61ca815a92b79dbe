import type { Timing } from '../report/index.ts';
import { prettyJson, readJson, writeWhole } from './files.ts';

/** A clock that goes on where an interrupted run stopped. Times stay out of records, which compare byte by byte. */
export interface Clock {
  /** Seconds by part so far, over all sessions that the run took. */
  timing(): Timing;
  /** Runs a part and adds its seconds, also when it fails. */
  measure<T>(part: string, work: () => Promise<T>): Promise<T>;
}

/** The clock kept in a file. */
export async function clockIn(path: string, device: string, processor: string): Promise<Clock> {
  const before = (await readJson(path).catch(() => undefined)) as Timing | undefined;
  const startedAt = before?.startedAt ?? new Date().toISOString();
  const seconds: Record<string, number> = { ...before?.seconds };
  const timing = (): Timing => ({ startedAt, seconds, device, processor });
  return {
    timing,
    async measure(part, work) {
      const start = performance.now();
      try {
        return await work();
      } finally {
        const spent = (seconds[part] ?? 0) + (performance.now() - start) / 1000;
        seconds[part] = Math.round(spent * 1000) / 1000;
        await writeWhole(path, prettyJson(timing()));
      }
    },
  };
}
