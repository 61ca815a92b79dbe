import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type Arm, imageClassification, parseRecipe, runAll, type RunEvent } from '../../src/index.ts';
import { shareOut } from '../../src/run/pool.ts';

const outDir = mkdtempSync(join(tmpdir(), 'robustjs-run-'));
afterAll(() => rmSync(outDir, { recursive: true }));

// Workers run the built package, as users do.
const built = existsSync(new URL('../../dist/run/worker.js', import.meta.url));

const tiny = (id: string, method: string): Arm => {
  const { recipe } = imageClassification.arms('smoke')[0]!;
  const { curve: _, ...evaluation } = recipe.evaluation;
  return {
    id,
    recipe: parseRecipe({
      ...recipe,
      tier: 'custom',
      method: { package: method, options: {} },
      data: { ...recipe.data, train: 32, validation: 16 },
      evaluation: { ...evaluation, clean: 8, attacked: 4 },
    }),
  };
};

describe.skipIf(!built)('runAll (skipped where the package is not built)', () => {
  it('reports a process that dies with its cause, and goes on with the others', async () => {
    writeFileSync(join(outDir, 'killed.mjs'), `process.kill(process.pid, 'SIGKILL');`);
    writeFileSync(join(outDir, 'crash.mjs'), `setTimeout(() => { throw new Error('the disk is on fire'); }); await new Promise(() => {});`);
    const arms = [tiny('killed', './killed.mjs'), tiny('crash', './crash.mjs'), tiny('missing', '@robustjs/no-such-method'), tiny('standard', 'standard')];
    const events: RunEvent[] = [];
    const { outcomes, entries, report } = await runAll(arms, { outDir, workers: 2, from: outDir, onEvent: (event) => events.push(event) });

    expect(outcomes.map(({ id, kind }) => [id, kind])).toEqual([['killed', 'failed'], ['crash', 'failed'], ['missing', 'failed'], ['standard', 'done']]);
    expect(outcomes[0]).toMatchObject({ code: 'RJS_WORKER', message: expect.stringContaining('killed by SIGKILL') as string });
    expect(outcomes[1]).toMatchObject({ code: 'RJS_WORKER', message: expect.stringContaining('the disk is on fire') as string });
    expect(outcomes[2]).toMatchObject({ code: 'RJS_METHOD', message: expect.stringContaining('npm install @robustjs/no-such-method') as string });

    expect(entries.map(({ id }) => id)).toEqual(['standard']);
    expect(readFileSync(report!, 'utf8')).toContain('standard');
    const timing = JSON.parse(readFileSync(join(outDir, 'timing.json'), 'utf8')) as Record<string, { seconds: Record<string, number> }>;
    expect(Object.keys(timing)).toEqual(['standard']);
    expect(timing['standard']!.seconds['train']).toBeGreaterThan(0);

    const log = readFileSync(join(outDir, 'log.jsonl'), 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as RunEvent & { time: string });
    expect(log.map(({ time: _, ...event }) => event)).toEqual(events.filter(({ kind }) => kind !== 'progress'));
  });

  it('starts nothing when it is stopped before it begins', async () => {
    const summary = await runAll([tiny('standard', 'standard')], { outDir: join(outDir, 'never'), workers: 1, signal: AbortSignal.abort() });
    expect(summary).toMatchObject({ outcomes: [{ kind: 'stopped', id: 'standard' }], entries: [] });
    expect(existsSync(join(outDir, 'never', 'networks'))).toBe(false);
  });
});

it('shares workers out among the arms that can begin', () => {
  const cases = [[2, 4], [4, 3], [8, 3], [2, 1], [1, 1], [3, 0], [0, 3]] as const;
  expect(cases.map(([free, arms]) => shareOut(free, arms))).toEqual([[1, 1], [2, 1, 1], [3, 3, 2], [2], [1], [], []]);
});
