import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { openJournal } from '../../src/evaluate/engine/journal.ts';

const folder = mkdtempSync(join(tmpdir(), 'robustjs-lock-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'evaluation.journal');
const lock = `${path}.lock`;

it('keeps a second evaluation out of a folder until the first is done, in this process too', async () => {
  const journal = await openJournal(path, { seed: 0 });
  expect(readFileSync(lock, 'utf8')).toBe(String(process.pid));
  await expect(openJournal(path, { seed: 0 })).rejects.toMatchObject({ code: 'RJS_EVALUATE_FOLDER' });
  await journal.add('a', 1);
  await journal.close();
  expect(existsSync(lock)).toBe(false);
  const next = await openJournal(path, { seed: 0 });
  expect(await next.get('a')).toBe(1);
  await next.close();
});

it('names the process that is at work, and takes over from one that is dead', async () => {
  const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  writeFileSync(lock, String(other.pid));
  await expect(openJournal(path, { seed: 0 })).rejects.toThrow(`process ${other.pid}`);
  other.kill('SIGKILL');
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  writeFileSync(lock, String(pid));
  await (await openJournal(path, { seed: 0 })).close();
  expect(existsSync(lock)).toBe(false);
});

it('is let go of where the folder holds another evaluation', async () => {
  await expect(openJournal(path, { seed: 1 })).rejects.toMatchObject({ code: 'RJS_EVALUATE_FOLDER' });
  expect(existsSync(lock)).toBe(false);
});
