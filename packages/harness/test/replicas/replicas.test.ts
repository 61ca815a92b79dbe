import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { RobustError } from '@robustjs/core';
import { afterEach, describe, expect, it } from 'vitest';
import { type Replicas, startReplicas } from '../../src/replicas/index.ts';

type Job = readonly (readonly [step: string, argument?: unknown])[];

// Threads run the built package, as users do.
const built = existsSync(new URL('../../dist/replicas/worker.js', import.meta.url));
const module = new URL('work.mjs', import.meta.url);
const counters = (): Int32Array<SharedArrayBuffer> => new Int32Array(new SharedArrayBuffer(64));

const open: Replicas<Job, unknown>[] = [];
afterEach(async () => void (await Promise.all(open.splice(0).map((replicas) => replicas.close()))));

async function start(count: number, { shared = counters(), refuseFrom = Infinity, ...options }: {
  shared?: Int32Array<SharedArrayBuffer>;
  refuseFrom?: number;
  signal?: AbortSignal;
  onLost?: (cause: RobustError) => void;
} = {}): Promise<Replicas<Job, unknown>> {
  const replicas = await startReplicas<object, Job, unknown>({ count, module, setup: { shared, refuseFrom }, ...options });
  open.push(replicas);
  return replicas;
}

describe.each([0, 1, 2])('%i replicas', (count) => {
  it.skipIf(count > 1 && !built)('do jobs, share memory and tell how far they are', async () => {
    const shared = counters();
    const replicas = await start(count, { shared });
    expect(replicas.count).toBe(Math.max(1, count));
    const told: unknown[] = [];
    const jobs = Array.from({ length: 9 }, (_, i) => replicas.run([['add', [2, i]], ['report', i], ['echo', i * i]], (value) => told.push(value)));
    expect(await Promise.all(jobs)).toEqual([0, 1, 4, 9, 16, 25, 36, 49, 64]);
    expect(shared[2]).toBe(36);
    expect([...told].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    await replicas.close();
    await replicas.close();
    // Opened and closed once each.
    expect([shared[0], shared[1]]).toEqual([replicas.count, replicas.count]);
    await expect(replicas.run([['echo']])).rejects.toMatchObject({ code: 'RJS_ABORTED' });
  });

  it.skipIf(count > 1 && !built)('pass on what a job or opening throws, and do the next', async () => {
    const replicas = await start(count);
    const robust = await replicas.run([['robust']]).catch((error: unknown) => error);
    expect(robust).toBeInstanceOf(RobustError);
    expect(robust).toMatchObject({ code: 'RJS_TEST', message: 'Expected this, got that (mend it)', cause: { name: 'TypeError', message: 'below' } });
    await expect(replicas.run([['plain']])).rejects.toMatchObject({ name: 'RangeError', message: 'too far', code: 'ERR_FAR' });
    expect(await replicas.run([['echo', 1]])).toBe(1);
    await expect(start(count, { refuseFrom: 0 })).rejects.toMatchObject({ code: 'RJS_TEST_OPEN' });
  });

  it.skipIf(count > 1 && !built)('stop at once when asked to, queued jobs too', async () => {
    const stop = new AbortController();
    const replicas = await start(count, { signal: stop.signal });
    const jobs = Array.from({ length: 4 }, () => replicas.run([[count > 1 ? 'loop' : 'untilAborted']]));
    const all = Promise.allSettled(jobs);
    await sleep(50);
    const before = performance.now();
    stop.abort(new Error('enough'));
    for (const { status, reason } of (await all) as PromiseRejectedResult[]) expect([status, (reason as RobustError).code, ((reason as RobustError).cause as Error).message]).toEqual(['rejected', 'RJS_ABORTED', 'enough']);
    await replicas.close();
    expect(performance.now() - before).toBeLessThan(3000);
    await expect(start(count, { signal: stop.signal })).rejects.toMatchObject({ code: 'RJS_ABORTED' });
  });
});

it('says so where a module has no jobs', async () => {
  await expect(startReplicas({ count: 1, module: new URL('none.mjs', import.meta.url), setup: {} })).rejects.toThrow();
  await expect(startReplicas({ count: 1, module: new URL('data:text/javascript,export const run = 1'), setup: {} })).rejects.toMatchObject({ code: 'RJS_REPLICA' });
});

describe.skipIf(!built)('threads', () => {
  it('run jobs at the same time, each in one of its own', async () => {
    const replicas = await start(2);
    // Each waits for the other to come.
    const threads = await Promise.all([0, 1].map(() => replicas.run([['meet', [3, 2]], ['thread']])));
    expect(new Set(threads).size).toBe(2);
    expect(threads).not.toContain(0);
  });

  it.each([
    ['exit', 'it ended with status 7'],
    ['throw', 'RangeError: out of the blue'],
  ])('that die by %s are reported and replaced, and their job runs again', async (how, cause) => {
    const shared = counters();
    const lost: RobustError[] = [];
    const replicas = await start(2, { shared, onLost: (error) => lost.push(error) });
    const jobs = [replicas.run([['dieTimes', { index: 4, times: 1, how }]]), ...[1, 2, 3].map((value) => replicas.run([['echo', value]]))];
    expect(await Promise.all(jobs)).toEqual(['survived', 1, 2, 3]);
    expect(lost).toHaveLength(1);
    expect(lost[0]).toMatchObject({ code: 'RJS_REPLICA', message: expect.stringContaining(cause) as string });
    // Both places are taken again.
    expect(new Set(await Promise.all([0, 1].map(() => replicas.run([['meet', [3, 2]], ['thread']])))).size).toBe(2);
    expect(shared[0]).toBe(3);
  });

  it('that run out of memory are replaced, and the program lives', async () => {
    const child = fileURLToPath(new URL('memory-child.mjs', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [child], { env: { ...process.env, NODE_OPTIONS: '--max-old-space-size=100' } });
    expect(JSON.parse(stdout)).toEqual({ results: ['sated', 1], lost: [expect.stringContaining('memory limit')] });
  });

  it('give up a job that two died of, and do the others', async () => {
    const lost: RobustError[] = [];
    const replicas = await start(2, { onLost: (error) => lost.push(error) });
    const jobs = await Promise.allSettled([replicas.run([['dieTimes', { index: 4, times: 9, how: 'exit' }]]), replicas.run([['sleep', 20], ['echo', 1]]), replicas.run([['echo', 2]])]);
    expect(jobs[0]).toMatchObject({ status: 'rejected', reason: { code: 'RJS_REPLICA', message: expect.stringContaining('2 that died of it: it ended with status 7; it ended with status 7') as string } });
    expect(jobs.slice(1)).toMatchObject([{ value: 1 }, { value: 2 }]);
    expect(lost).toHaveLength(2);
  });

  it('are replaced when they die between jobs', async () => {
    const shared = counters();
    const lost: RobustError[] = [];
    const replicas = await start(2, { shared, onLost: (error) => lost.push(error) });
    await replicas.run([['dieLater']]);
    while (lost.length === 0) await sleep(5);
    expect(lost[0]!.message).toContain('status 5');
    expect(new Set(await Promise.all([0, 1].map(() => replicas.run([['meet', [3, 2]], ['thread']])))).size).toBe(2);
    expect(shared[0]).toBe(3);
  });

  it('end every job with the cause when none is left', async () => {
    const replicas = await start(2, { refuseFrom: 2 });
    const jobs = [1, 2, 3].map((index) => replicas.run([['dieTimes', { index: index + 3, times: 9, how: 'exit' }]]));
    for (const { status, reason } of (await Promise.allSettled(jobs)) as PromiseRejectedResult[]) {
      expect(status).toBe('rejected');
      expect(reason).toMatchObject({ code: 'RJS_REPLICA', message: expect.stringMatching(/got replica [23]/) as string });
    }
    await expect(replicas.run([['echo']])).rejects.toMatchObject({ code: 'RJS_REPLICA' });
  });

  it('refuse what cannot be cloned, in and out, and do the next', async () => {
    const replicas = await start(2);
    await expect(replicas.run([['echo', () => {}]])).rejects.toMatchObject({ name: 'DataCloneError' });
    await expect(replicas.run([['unclonable']])).rejects.toMatchObject({ name: 'DataCloneError' });
    expect(await Promise.all([1, 2].map((value) => replicas.run([['echo', value]])))).toEqual([1, 2]);
  });

  it('end promptly when closed, busy or not', async () => {
    const replicas = await start(2);
    const busy = replicas.run([['loop']]);
    const before = performance.now();
    const ended = expect(busy).rejects.toMatchObject({ code: 'RJS_ABORTED' });
    await replicas.close();
    await ended;
    expect(performance.now() - before).toBeLessThan(3000);
  });
});
