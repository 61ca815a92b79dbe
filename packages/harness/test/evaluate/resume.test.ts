import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { randomStream } from '@robustjs/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

// Processes run the built package, as users do.
const built = existsSync(new URL('../../dist/evaluate/engine/replica.js', import.meta.url));
const script = fileURLToPath(new URL('evaluate-once.mjs', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'robustjs-resume-'));
afterAll(() => rmSync(root, { recursive: true }));

interface Ended {
  readonly lines: readonly string[];
  readonly killed: boolean;
}

/** Runs the evaluation; kills it when it has said so many lines, and some milliseconds later. */
function run(folder: string, workers: number, { killAfter = Infinity, delay = 0, options = {} }: { killAfter?: number; delay?: number; options?: object } = {}): Promise<Ended> {
  const child = spawn(process.execPath, [script, folder, String(workers), JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  let doomed = false;
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    if (doomed || text.split('\n').length - 1 < killAfter) return;
    doomed = true;
    void sleep(delay).then(() => child.kill('SIGKILL'));
  });
  return new Promise((resolve) => child.on('close', (_, signal) => resolve({ lines: text.trim().split('\n'), killed: signal === 'SIGKILL' })));
}

const RESULTS = ['adversarial-0.02.npy', 'adversarial.npy', 'entry.json', 'examples.jsonl'];
const bytes = (folder: string): Record<string, Buffer> => Object.fromEntries(RESULTS.map((name) => [name, readFileSync(join(folder, name))]));
const journal = (folder: string): string => join(folder, 'evaluation.journal');

describe.skipIf(!built)('an evaluation in a folder', () => {
  const whole = join(root, 'whole');
  let lines = 0;

  beforeAll(async () => {
    const ended = await run(whole, 1);
    expect(ended.lines.at(-1)).toBe('end');
    lines = ended.lines.length;
    expect(readdirSync(whole).sort()).toEqual([...RESULTS, 'evaluation.journal', 'report.html', 'timing.json'].sort());
  });

  it('killed at twenty instants, with one and two threads in turn, ends with the bytes of an undisturbed one', async () => {
    const draws = randomStream(20).split('kills').uniform(60);
    let kills = 0;
    for (let attempt = 0; kills < 20; attempt++) {
      const folder = join(root, `killed-${attempt}`);
      // Each folder is killed five times, on the way from its beginning to its end.
      for (let turn = 0; turn < 5; turn++, kills++) {
        const killAfter = 1 + Math.floor(((turn + draws[2 * kills]!) / 5) * (lines - 1));
        await run(folder, 1 + (kills % 2), { killAfter, delay: 8 * draws[2 * kills + 1]! });
      }
      const { lines: said } = await run(folder, 1 + (attempt % 2));
      expect(said.at(-1)).toBe('end');
      expect(bytes(folder)).toEqual(bytes(whole));
    }
  }, 600_000);

  it('goes on from a journal whose last record is torn, wherever it is torn', async () => {
    const size = statSync(journal(whole)).size;
    for (const [i, share] of [0.0001, 0.33, 0.999].entries()) {
      const folder = join(root, `torn-${i}`);
      mkdirSync(folder);
      writeFileSync(journal(folder), readFileSync(journal(whole)));
      truncateSync(journal(folder), Math.max(1, Math.floor(share * size)));
      if (i === 1) appendFileSync(journal(folder), Buffer.alloc(100, 7));
      await run(folder, 1);
      expect(bytes(folder)).toEqual(bytes(whole));
    }
  });

  it('repeated, does nothing again and writes the same', async () => {
    const before = { ...bytes(whole), size: statSync(journal(whole)).size };
    await run(whole, 2);
    expect({ ...bytes(whole), size: statSync(journal(whole)).size }).toEqual(before);
  });

  it.each([
    [{ seed: 1 }, 'seed'],
    [{ eps: [0.02, 0.06] }, 'eps'],
    [{ attacks: [{ id: 'fgsm' }] }, 'attacks'],
    [{ clean: 30 }, 'data'],
  ])('refuses another command, %j, and leaves the results alone', async (options, field) => {
    const before = bytes(whole);
    const { lines: said } = await run(whole, 1, { options });
    expect(said.at(-1)).toMatch(new RegExp(`^error RJS_EVALUATE_FOLDER: .*with ${field} `));
    expect(bytes(whole)).toEqual(before);
  });
});
