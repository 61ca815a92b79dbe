import { expect, test } from 'vitest';
import { renderReport } from '../../src/index.ts';
import { count, duration, epsText, percent, plainPercent, shortCount } from '../../src/report/words.ts';
import { between, dataValues, sampleEntry } from './sample.ts';

test('the table of arms shows the numbers of the entry, in full', async () => {
  const entry = sampleEntry();
  const page = await renderReport({ entries: [entry], timings: { [entry.id]: { seconds: { train: 402.25, evaluate: 95.5 } } } });
  const row = between(between(page, 'id="results"', '</table>'), '<tbody', '</tr>');
  const tally = ({ correct, n, ci95 }: { correct: number; n: number; ci95: number[] }): number[] => [correct / n, correct, n, ...ci95];
  const [small, large] = entry.evaluations;
  // Worst attack: PGD breaks 489 - 391 = 98; costs: 2 * (490 + 49000) gradients and 4 * 7 queries more, by hand.
  const expected = [...tally(entry.clean), ...tally(small!.robust), ...tally(large!.robust), 98, 1_056_000, 402.25, 98_980, 99_008, 95.5];
  expect(dataValues(row)).toEqual(expected);
});

test('what is read agrees with what is recorded, to the digits shown', async () => {
  const entry = sampleEntry();
  const page = await renderReport({ entries: [entry] });
  const shown = [...page.matchAll(/<data class="share" value="([^"]*)">([\d.]+)\u202f%<\/data>/g)];
  expect(shown.length).toBeGreaterThanOrEqual(5);
  for (const [, value, text] of shown) expect(Math.abs(Number(value) * 100 - Number(text))).toBeLessThanOrEqual(0.05 + 1e-9);
  // 391 of 500.
  expect(page).toContain('<h1>pgd-at keeps 78.2\u202f% of 500 digits right under every attack at Linf eps 0.2.</h1>');
});

test('the table by attack shows what each attack broke, and what it cost', async () => {
  const entry = sampleEntry();
  const section = between(await renderReport({ entries: [entry] }), 'id="attacks"', '</section>');
  const tables = section.split('<table').slice(1);
  const tally = (i: number): number[] => [entry.evaluations[i]!.robust.correct / 500, entry.evaluations[i]!.robust.correct, 500, ...entry.evaluations[i]!.robust.ci95];
  // At eps 0.1 489 - 452 = 37 fall to PGD and 18 to FGSM; at 0.2 98 and 49.
  expect(tables.map(dataValues)).toEqual([[18, 37, ...tally(0)], [49, 98, ...tally(1)], [490, 497, 49_000, 49_007], [490, 497, 49_000, 49_007]]);
});

test('checks read in plain words with their figures', async () => {
  const page = await renderReport({ entries: [sampleEntry()] });
  const checks = between(page, 'id="arm-1-checks"', '</section>');
  expect(checks).toContain('Longer attacks are not weaker');
  expect(checks).toContain('Measured 0.024 (twice the steps broke more), limit 0.01, on 100 examples.');
  expect(checks).toContain('<summary>1 passed</summary>');
});

test.each([
  [0.2, '0.2'], [Math.fround(0.2), '0.2'], [8 / 255, '8/255'], [Math.fround(8 / 255), '8/255'], [0.5 / 255, '0.001961'], [0, '0'], [0.03, '0.03'], [1, '1'], [0.123456, '0.1235'],
])('eps %s reads %s', (eps, text) => {
  expect(epsText(eps)).toBe(text);
});

test('a share has the digits that its examples can tell apart', () => {
  expect(percent(391 / 500, 500)).toBe('78.2\u202f%');
  expect(percent(7821 / 10_000, 10_000)).toBe('78.21\u202f%');
  // Not 100 %: one example of ten thousand was wrong.
  expect(percent(9999 / 10_000, 10_000)).toBe('99.99\u202f%');
  expect(plainPercent(0.78, 500)).toBe('78\u202f%');
  expect(plainPercent(1, 10)).toBe('100\u202f%');
});

test('counts and durations', () => {
  expect([0, 999, 1000, 1_056_000].map(count)).toEqual(['0', '999', '1\u202f000', '1\u202f056\u202f000']);
  expect([9999, 10_000, 999_499, 999_500, 1_056_000, 999_600_000].map(shortCount)).toEqual(['9999', '10.0k', '999k', '1.00M', '1.06M', '1.00G']);
  expect([0.04, 59.9, 59.96, 402, 7530].map((seconds) => duration(seconds).replaceAll('\u202f', ' '))).toEqual(['0.0 s', '59.9 s', '1 min 0 s', '6 min 42 s', '2 h 5 min']);
});

test('an evaluation timed part by part shows the sum of its parts', async () => {
  const entry = sampleEntry();
  const page = await renderReport({ entries: [entry], timings: { [entry.id]: { seconds: { clean: 1.5, attacks: 60, curve: 2, sanity: 8 } } } });
  // 1.5 + 60 + 2 + 8 = 71.5.
  expect(between(page, 'id="results"', '</table>').includes('<data value="71.5">1\u202fmin 12\u202fs</data>')).toBe(true);
});
