import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { randomStream } from '@robustjs/core';
import { expect, it } from 'vitest';
import { digits, temporaryFolders } from './support.ts';

const temporary = temporaryFolders();
const CHILD = fileURLToPath(new URL('resume-child.mjs', import.meta.url));
const BUILT = fileURLToPath(new URL('../../dist/train/index.js', import.meta.url));
const KILLS = 20;
// One thread mostly: others take time to start. An odd number, so that both kinds of moments meet threads.
const WORKERS = ['1', '2', '1', '1', '4', '1', '1'];

/** Where a child process is killed: so long after a step, or so long after a checkpoint's file appears after that step. */
interface Moment {
  readonly step: number;
  readonly delay: number;
  readonly writing: boolean;
}

/** How a child process ended. */
interface Ending {
  readonly steps: number[];
  readonly done: string | undefined;
  readonly killed: boolean;
}

it(`ends with the same bits when killed ${KILLS} times, now and then with another number of threads`, { timeout: 240_000 }, async () => {
  expect(existsSync(BUILT), 'the packages are built: npm run build').toBe(true);
  const [folder, whole] = [await temporary(), await temporary()];
  const data = await dataFiles(await temporary());
  const undisturbed = await runChild([whole, ...data, '1']);
  expect(undisturbed.done).toBeDefined();
  const oracle = await bitsOf(whole);

  const random = randomStream(0).split('kills');
  const seen = { kills: 0, writing: 0, midEpoch: 0, steps: [] as number[] };
  let round = folder;
  for (let attempt = 0; seen.kills < KILLS; attempt++) {
    const [step = 0, delay = 0] = random.split(attempt).uniform(2);
    // Half of them within a millisecond of the moment when a checkpoint starts to be written.
    const writing = attempt % 2 === 0;
    const moment = { step: Math.floor(step * 3), delay: writing ? delay : delay * 60, writing };
    const { done, killed, steps } = await runChild([round, ...data, WORKERS[attempt % WORKERS.length]!], { moment, folder: round });
    seen.steps.push(...steps);
    if (killed) {
      seen.kills++;
      if (existsSync(join(round, 'checkpoint.safetensors.tmp'))) seen.writing++;
      if (steps.length > 0 && steps.at(-1)! % 4 !== 0) seen.midEpoch++;
      continue;
    }
    expect(done).toBe(undisturbed.done);
    expect(await bitsOf(round)).toBe(oracle);
    round = await temporary();
  }
  expect((await runChild([round, ...data, '2'])).done).toBe(undisturbed.done);
  expect(await bitsOf(round)).toBe(oracle);
  // What the kills hit: files half written, and the middle of epochs.
  expect(seen.writing).toBeGreaterThan(0);
  expect(seen.midEpoch).toBeGreaterThan(0);
});

/** SHA-256 of the last checkpoint: weights, statistics, optimizer slots, averages, step and curves. */
const bitsOf = async (folder: string): Promise<string> =>
  createHash('sha256').update(await readFile(join(folder, 'checkpoint.safetensors'))).digest('hex');

async function dataFiles(folder: string): Promise<string[]> {
  const { train } = await digits(96);
  const pixels = await train.read(train.ids.map((_, row) => row));
  const files = [join(folder, 'images'), join(folder, 'labels')];
  await writeFile(files[0]!, Uint8Array.from(pixels, (value) => Math.round(value * 255)));
  await writeFile(files[1]!, Uint8Array.from(train.labels));
  return files;
}

/** Runs the child process to its end, or kills it at the moment given. */
async function runChild(args: string[], kill?: { moment: Moment; folder: string }): Promise<Ending> {
  const child = spawn(process.execPath, [CHILD, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  let errors = '';
  let rest = '';
  let waiting = false;
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  child.stdout.on('data', (chunk: Buffer) => {
    const parts = (rest + chunk.toString()).split('\n');
    rest = parts.pop()!;
    lines.push(...parts);
    if (kill && !waiting && lines.length > kill.moment.step) {
      waiting = true;
      void killAt(child, kill.moment, kill.folder);
    }
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => child.on('close', (...end) => resolve(end)));
  if (signal === null) expect(code, errors).toBe(0);
  const done = lines.find((line) => line.startsWith('done '));
  return { steps: lines.filter((line) => line.startsWith('step ')).map((line) => Number(line.slice(5))), done, killed: signal === 'SIGKILL' };
}

async function killAt(child: ChildProcess, { delay, writing }: Moment, folder: string): Promise<void> {
  const file = join(folder, 'checkpoint.safetensors.tmp');
  while (writing && child.exitCode === null && !existsSync(file)) await new Promise((resolve) => setImmediate(resolve));
  const end = performance.now() + delay;
  while (performance.now() < end) await new Promise((resolve) => setImmediate(resolve));
  child.kill('SIGKILL');
}
