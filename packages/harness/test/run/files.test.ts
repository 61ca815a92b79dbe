import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { imageClassification, runAll, writableFolder } from '../../src/index.ts';
import { runLog } from '../../src/run/log.ts';

const folder = mkdtempSync(join(tmpdir(), 'robustjs-files-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('makes a folder, and is content with one that is there', async () => {
  const path = join(folder, 'a', 'b');
  await writableFolder(path);
  await writableFolder(path);
  expect(statSync(path).isDirectory()).toBe(true);
});

it('says what is in the way of a folder', async () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  for (const path of [file, join(file, 'below')]) {
    await expect(writableFolder(path)).rejects.toMatchObject({ code: 'RJS_FILE', message: expect.stringContaining('a file in its place') as unknown });
  }
});

it.skipIf(process.getuid?.() === 0)('refuses a folder without permission to write (root may write everywhere)', async () => {
  const path = join(folder, 'locked');
  await writableFolder(path);
  chmodSync(path, 0o500);
  await expect(writableFolder(path)).rejects.toMatchObject({ code: 'RJS_FILE' });
});

it('a run into a file fails as a whole, before any process is started', async () => {
  const file = join(folder, 'run');
  writeFileSync(file, '');
  const events: unknown[] = [];
  const run = runAll(imageClassification.arms('smoke'), { outDir: file, workers: 1, onEvent: (event) => events.push(event) });
  await expect(run).rejects.toMatchObject({ code: 'RJS_FILE' });
  expect(events).toEqual([]);
});

it('a log that cannot be written fails where it is waited for, and nowhere else', async () => {
  const file = join(folder, 'log');
  writeFileSync(file, '');
  const log = runLog(join(file, 'below'));
  log.add({ kind: 'stopped', id: 'x' });
  // An unhandled rejection would end the test run.
  await new Promise((resolve) => setTimeout(resolve, 20));
  await expect(log.flush()).rejects.toThrow(/ENOTDIR/);
  expect(existsSync(join(file, 'below'))).toBe(false);
});
