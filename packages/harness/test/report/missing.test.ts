import { expect, test } from 'vitest';
import { type Entry, formatTable, renderReport } from '../../src/index.ts';
import { sampleCurve, sampleEntry, samplePicture } from './sample.ts';

const headline = (page: string): string => /<h1>([^<]*)<\/h1>/.exec(page)![1]!.replaceAll('\u202f', ' ');
const sections = (page: string): string[] => [...page.matchAll(/<section id="([^"]*)"/g)].map(([, id]) => id!);

test('a full report has all its parts, in this order', async () => {
  const entry = sampleEntry();
  const page = await renderReport({ entries: [entry], curves: { [entry.id]: sampleCurve(2) }, pictures: { [entry.id]: [samplePicture([1, 1, 1], [0], [0.2])] } });
  expect(sections(page)).toEqual(['results', 'budget', 'training', 'pictures', 'attacks', 'checks', 'recipe']);
});

test('no curves, no pictures, no training, no paper', async () => {
  const { curve: _curve, training: _training, ...entry } = sampleEntry();
  const page = await renderReport({ entries: [entry] });
  expect(sections(page)).toEqual(['results', 'budget', 'attacks', 'checks', 'recipe']);
  expect(page).toContain('not trained here');
  expect(page).not.toMatch(/undefined|NaN|\[object/);
});

test('the best method is set against the undefended network', async () => {
  const page = await renderReport({ entries: [sampleEntry({ id: 'standard', robust: [61, 0] }), sampleEntry()] });
  expect(headline(page)).toBe('pgd-at keeps 78.2 % of 500 digits right under every attack at Linf eps 0.2; standard training keeps none.');
  expect(page).toContain('Its 95 % interval lies above that of every other method.');
});

test('zero survivors', async () => {
  const page = await renderReport({ entries: [sampleEntry({ id: 'standard', robust: [61, 0] })] });
  expect(headline(page)).toBe('Standard training keeps none of 500 digits right under every attack at Linf eps 0.2.');
});

test('a refused entry comes last, is not drawn, and says why', async () => {
  const refused = sampleEntry({ id: 'best', robust: [489, 488], change: (entry) => Object.assign(entry, { refused: 'S07: the gradient is wrong' }) });
  const page = await renderReport({ entries: [refused, sampleEntry()] });
  expect(headline(page)).toMatch(/^pgd-at keeps/);
  expect(page).toContain('best was refused: S07: the gradient is wrong.');
  expect(page).not.toContain('aria-label="best,');
});

test('an unreliable entry does not lead, and alone it is no success', async () => {
  const unreliable = sampleEntry({ id: 'masked', robust: [489, 488], change: (entry) => (entry.unreliable = true) });
  expect(headline(await renderReport({ entries: [unreliable, sampleEntry()] }))).toMatch(/^pgd-at keeps/);
  expect(headline(await renderReport({ entries: [unreliable] }))).toMatch(/but this result does not count: see the checks\.$/);
});

test('few examples are said to be few', async () => {
  const page = await renderReport({ entries: [sampleEntry({ n: 4, clean: 4, robust: [3, 1] })] });
  expect(headline(page)).toMatch(/keeps 25 % of 4 digits/);
  expect(page).toContain('Only 4 examples were attacked.');
});

test('an entry without evaluations, and none at all', async () => {
  const plain = sampleEntry({ change: (entry) => Object.assign(entry, { evaluations: [], curve: undefined, sanity: [] }) });
  expect(headline(await renderReport({ entries: [plain] }))).toBe('No model was attacked, so nothing is known about robustness.');
  expect(formatTable([plain])).toContain('97.8');
  expect(headline(await renderReport({ entries: [] }))).toBe('No results yet.');
  expect(formatTable([])).toBe('No results.\n');
});

test('nothing was attacked because nothing was right', async () => {
  const page = await renderReport({ entries: [sampleEntry({ clean: 0, robust: [0, 0] })] });
  expect(page).not.toMatch(/NaN|Infinity|undefined/);
});

test('methods with overlapping intervals are said to be tied', async () => {
  const page = await renderReport({ entries: [sampleEntry(), sampleEntry({ id: 'trades', robust: [450, 398] })] });
  expect(page).toContain('trades and pgd-at have 95 % intervals that overlap');
});

test('the same method with two seeds is told apart by them', async () => {
  const page = await renderReport({ entries: [sampleEntry(), sampleEntry({ seed: 1 })] });
  expect(page).toContain('pgd-at, seed 0');
  expect(page).toContain('pgd-at, seed 1');
});

test('an id that is a name of Object.prototype finds nothing that is not its own', async () => {
  const entry = sampleEntry({ change: (value: Entry) => (value.id = 'constructor') });
  expect(sections(await renderReport({ entries: [entry], curves: {}, pictures: {}, timings: {} }))).not.toContain('training');
});

test('the same input gives the same bytes, whatever was rendered in between', async () => {
  const entry = sampleEntry();
  const input = { entries: [entry], curves: { [entry.id]: sampleCurve(4) }, pictures: { [entry.id]: [samplePicture([2, 2, 1], [0, 1, 0, 1], [0.1, 0.9, 0, 1])] } };
  const first = await renderReport(input);
  await renderReport({ entries: [sampleEntry({ id: 'other' })] });
  expect(await renderReport(input)).toBe(first);
});

test('a network whose weights cannot be seen', async () => {
  const page = await renderReport({ entries: [sampleEntry({ change: ({ model }) => Object.assign(model, { weightsSha256: null, parameters: 0 }) })] });
  expect(page.includes('number of parameters unknown')).toBe(true);
  expect(page).not.toMatch(/SHA-256 null|>null</);
});
