import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

interface Held {
  readonly tensors: number;
  readonly dataIds: number;
  readonly heap: number;
  readonly rss: number;
}

// In a process of its own, whose engine keeps its compiled code, its young generation and its allocator's arenas the same size: what
// grows then is held by the library.
const FLAGS = ['--expose-gc', '--max-semi-space-size=1', '--single-threaded', '--no-opt'];

test('1000 steps of training and attack hold no more than before: tensors, wasm heap, resident memory', async () => {
  const program = fileURLToPath(new URL('long-run.mjs', import.meta.url));
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [...FLAGS, program], { timeout: 120_000, env: { ...process.env, MALLOC_ARENA_MAX: '1' } });
  expect(stderr).toBe('');
  const { first, last, early, late } = JSON.parse(stdout) as { first: number; last: number; early: Held; late: Held };
  expect([late.tensors, late.dataIds]).toEqual([early.tensors, early.dataIds]);
  expect(late.heap).toBe(early.heap);
  expect(late.rss).toBeLessThan(1.01 * early.rss);
  expect(last).toBeLessThan(0.5 * first);
});
