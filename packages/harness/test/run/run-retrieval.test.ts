import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { evaluation } from '@robustjs/core';
import { retrievalMetrics } from '@robustjs/metric-learning';
import { memory, tensor, type Tensor2D } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Arm, type ExampleRecord, examplesFromJsonl, formatRetrievalTable, loadNetwork, metricLearning, openData, parseRecipe, readRetrievalEntry, renderClaims, renderRetrievalReport, type RetrievalEntry, retrievalLeaderboard,
  type RunEvent, runRecipe, startRuntime,
} from '../../src/index.ts';
import { readRetrievalDetails } from '../../src/run/retrieval-details.ts';

// As tier smoke, with less of everything.
const tiny = (name: string): Arm => {
  const { id, recipe } = metricLearning.arms('smoke').find((arm) => arm.id === name)!;
  return { id, recipe: parseRecipe({ ...recipe, tier: 'custom', data: { ...recipe.data, train: 96 }, training: { ...recipe.training, epochs: 1 }, evaluation: { ...recipe.evaluation, queries: 10 } }) };
};

const folders: string[] = [];
const folder = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'robustjs-retrieval-'));
  folders.push(path);
  return path;
};

let whole: string;
let entry: RetrievalEntry;
const arm = tiny('arcface-mdprop-5');
beforeAll(async () => {
  await startRuntime('wasm');
  whole = folder();
  const before = memory().numTensors;
  await runRecipe(arm, { outDir: whole });
  expect(memory().numTensors).toBe(before);
  ({ entry } = await readRetrievalEntry(join(whole, 'entries', `${arm.id}.json`)));
});
afterAll(() => folders.forEach((path) => rmSync(path, { recursive: true })));

const bytes = (outDir: string): Record<string, string> =>
  Object.fromEntries(['entries', 'networks'].flatMap((part) => readdirSync(join(outDir, part)).map((name) => [name, readFileSync(join(outDir, part, name)).toString('base64')])));

describe('an arm of the track metric-learning', () => {
  it('writes an entry that agrees with the outcomes beside it', () => {
    const all = examplesFromJsonl(readFileSync(join(whole, 'entries', `${arm.id}.examples.jsonl`), 'utf8'));
    expect(entry.clean.recall1).toMatchObject({ n: all.length, correct: all.filter(({ clean }) => clean).length });
    const examples = all.filter(({ outcomes }) => outcomes.length > 0);
    expect(examples).toHaveLength(10);
    expect(entry.queries.correct).toBe(examples.filter(({ clean }) => clean).length);
    entry.evaluations.forEach(({ robust }, i) => expect(robust.correct).toBe(examples.filter(({ outcomes }) => outcomes[i]!.robust).length));
    expect(entry.training).toMatchObject({ recipe: arm.recipe, steps: 3, seed: 0 });
  });

  it('attacks every branch, the one deployed first, and the worst case is no better than any', () => {
    expect(entry.branches.map(({ branch }) => branch)).toEqual(['main', 'single-target', 'multi-target']);
    expect(entry.branches[0]!.evaluation).toEqual(entry.evaluations.at(-1));
    for (const { evaluation: { robust } } of entry.branches) expect(entry.worstBranch!.correct).toBeLessThanOrEqual(robust.correct);
    expect(entry.sanity.find(({ id }) => id === 'S16')!.status).not.toBe('skipped');
  });

  it('stores a network that recalls what the entry says, without the class vectors', async () => {
    const stored = readFileSync(join(whole, 'networks', `${arm.id}.safetensors`));
    expect(stored.toString('latin1')).not.toContain('class-vectors');
    const { model, deployedRoute } = await loadNetwork(stored);
    const { test } = await openData(arm.recipe.data);
    const x = tensor(await test.read([...test.ids.keys()]), [test.size, ...test.inputShape]);
    const queries = model.forward(x, evaluation(deployedRoute)) as Tensor2D;
    const { recall } = await retrievalMetrics({ queries, queryLabels: test.labels }, [1]);
    expect(Math.round(recall[1]! * test.size)).toBe(entry.clean.recall1.correct);
    [x, queries].forEach((each) => each.dispose());
    model.dispose();
  });

  it('keeps what is complete, and ends with the same bytes when stopped and continued', async () => {
    const events: RunEvent[] = [];
    await runRecipe(arm, { outDir: whole, onEvent: (event) => events.push(event) });
    expect(events.map(({ kind }) => kind)).toEqual(['start', 'done']);
    const other = folder();
    const stop = new AbortController();
    const onEvent = (event: RunEvent): void => void (event.kind === 'progress' && event.done === 2 && stop.abort());
    await expect(runRecipe(arm, { outDir: other, signal: stop.signal, onEvent })).rejects.toMatchObject({ code: 'RJS_ABORTED' });
    await runRecipe(arm, { outDir: other });
    expect(bytes(other)).toEqual(bytes(whole));
  });

  it('writes the same bytes with queries shared among threads', async () => {
    // Batches of two, so that both threads have some of every attack.
    const shared = { id: arm.id, recipe: parseRecipe({ ...arm.recipe, evaluation: { ...arm.recipe.evaluation, batchSize: 2 } }) };
    const [alone, threads] = [folder(), folder()];
    const notes: RunEvent[] = [];
    await runRecipe(shared, { outDir: alone });
    await runRecipe(shared, { outDir: threads, workers: 2, onEvent: (event) => void (event.kind === 'note' && notes.push(event)) });
    expect(bytes(threads)).toEqual(bytes(alone));
    // Training says that it has one shard; no thread was lost.
    expect(notes).toHaveLength(1);
  });

  it('refuses a folder with an entry of the same name from another recipe', async () => {
    const changed = { id: arm.id, recipe: { ...arm.recipe, seed: 5 } };
    await expect(runRecipe(changed, { outDir: whole })).rejects.toMatchObject({ code: 'RJS_RUN_FOLDER' });
  });
});

describe('what is made of entries', () => {
  const evil = '<script>alert(1)</script>';
  const seedOf = (seed: number, correct: number): RetrievalEntry => ({
    ...entry, id: `arcface-mdprop-5-seed${seed}`, training: { ...entry.training!, recipe: { ...arm.recipe, seed }, seed },
    evaluations: entry.evaluations.map((one) => ({ ...one, robust: { correct, n: 10, ci95: [0, 1] } })),
  });

  it('is a page with every part, in which no value becomes markup', async () => {
    const details = await readRetrievalDetails(join(whole, 'details', `${arm.id}.json`));
    const page = await renderRetrievalReport({ entries: [{ ...entry, loss: { ...entry.loss, id: evil } }], details: { [entry.id]: details! } });
    for (const id of ['results', 'budget', 'training', 'rows', 'embedding', 'branches', 'attacks', 'checks', 'recipe']) expect(page).toContain(`<section id="${id}"`);
    expect(page).not.toContain(evil);
    expect(page).not.toMatch(/undefined|NaN|\[object/);
    // A query and five neighbours, before and after, for each picture.
    expect(page.match(/<img /g)).toHaveLength(12 * Math.min(8, details!.pictures.length));
    expect(page.match(/<figure class="(right|wrong)">/g)).toHaveLength(10 * Math.min(8, details!.pictures.length));
    expect(await renderRetrievalReport({ entries: [entry] })).toContain('arcface-mdprop-5');
  });

  it('is a table in which seeds are one row, with their mean', () => {
    const board = retrievalLeaderboard([seedOf(1, 2), seedOf(2, 4)]);
    const rows = board.split('\n').filter((line) => line.startsWith('| 1 |'));
    expect(rows).toHaveLength(1);
    // By hand: the mean of 2 and 4 of 10, and Wilson's interval of 3 of 10.
    expect(rows[0]).toContain('30.0 [10.8, 60.3]');
    expect(rows[0]).toMatch(/\| 1, 2 \|$/);
    expect(board).toContain('### Retrieval, mnist, 3 unseen classes, Linf, 10 queries attacked');
  });

  it('is a page of claims: paired over seeds and queries', () => {
    // Of 40 queries MDProp retrieves 30 and plain training 20, under attack 20 and none of 20; the same with each of two seeds.
    const hits = (name: string, seed: number, clean: number, attacked: number) => ({
      entry: { ...seedOf(seed, attacked), id: seed === 0 ? name : `${name}-seed${seed}`, method: { ...entry.method, id: name.includes('plain') ? 'standard' : 'mdprop' }, unreliable: false, refused: undefined } as unknown as RetrievalEntry,
      examples: Array.from({ length: 40 }, (_, i): ExampleRecord => ({
        index: i, id: i, label: 0, predicted: 0, clean: i < clean,
        outcomes: i < 20 ? entry.evaluations.map(({ threat: { eps } }) => ({ eps, robust: i < attacked, brokenBy: null, distances: null })) : [],
      })),
    });
    const stored = [0, 1].flatMap((seed) => [hits('arcface-plain', seed, 20, 0), hits('arcface-mdprop-5', seed, 30, 20)]);
    const page = renderClaims('a\n<!-- claims:start -->\nold\n<!-- claims:end -->\nb\n', stored);
    // By hand: a quarter more; 1.96 times the deviation of ten ones and thirty zeros (0.43853) over the root of 40; the seeds agree.
    expect(page).toContain('| clean | 75.0 | 50.0 | +25.0 [+11.4, +38.6] | 1.50 | **shown** |');
    expect(page).toContain('| attacked, eps 0.1 | 100.0 | 0.0 | +100.0 [+100.0, +100.0] | – | **shown** |');
    expect(page).not.toContain('old');
    const single = renderClaims('<!-- claims:start --><!-- claims:end -->', stored.slice(0, 2));
    expect(single).toContain('+25.0 [−∞, ∞] | 1.50 | not shown at this size |');
    expect(renderClaims('<!-- claims:start --><!-- claims:end -->', [])).toContain('No entries yet.');
  });

  it('compares with plain training of the same loss', () => {
    const plain = { ...seedOf(0, 2), id: 'plain', method: { id: 'standard', package: 'standard', version: '', options: {} } };
    const table = retrievalLeaderboard([plain, seedOf(0, 5)]);
    // By hand: 5 of 10 over 2 of 10.
    expect(table.split('\n').find((line) => line.includes('mdprop'))).toContain('| 2.50 |');
    const text = formatRetrievalTable([plain, seedOf(0, 5)]).split('\n');
    expect(text[2]).toMatch(/^arcface-mdprop-5-seed0/);
    expect(text[3]).toMatch(/^plain/);
  });
});
