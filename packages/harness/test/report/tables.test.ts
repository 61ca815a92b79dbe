import { RobustError } from '@robustjs/core';
import { expect, test } from 'vitest';
import { formatTable, leaderboardTable, renderLeaderboardReadme, renderReport, renderResultBlock, wilson } from '../../src/index.ts';
import { sharedRanks } from '../../src/report/rank.ts';
import { sampleEntry } from './sample.ts';

const rowsOf = (markdown: string): string[][] =>
  markdown.split('\n').filter((line) => /^\| (?!---|--:|Rank|Method)/.test(line)).map((line) => line.slice(2, -2).split(' | '));

const board = [
  sampleEntry({ id: 'standard', robust: [61, 0] }),
  sampleEntry({ id: 'pgd-at', robust: [452, 391] }),
  sampleEntry({ id: 'trades', robust: [449, 398] }),
  sampleEntry({ id: 'advprop', robust: [338, 121] }),
];

test('methods whose intervals overlap share a rank, the next one counts them all', () => {
  // Wilson's intervals by hand: 398/500 [75.8, 82.9], 391/500 [74.4, 81.6], 121/500 [20.7, 28.1], 0/500 [0, 0.8].
  const rows = rowsOf(leaderboardTable(board));
  expect(rows.map(([rank, method, , , , robust]) => [rank, method!.split(' ')[0], robust])).toEqual([
    ['1', 'trades', '79.6 [75.8, 82.9]'],
    ['1', 'pgd-at', '78.2 [74.4, 81.6]'],
    ['3', 'advprop', '24.2 [20.7, 28.1]'],
    ['4', 'standard', '0.0 [0.0, 0.8]'],
  ]);
});

test('a tie is with the first of the rank: the third meets the second but not the first', () => {
  expect(sharedRanks([[0.5, 0.6], [0.45, 0.55], [0.35, 0.47], [0.3, 0.4]])).toEqual([1, 1, 3, 3]);
  expect(sharedRanks([])).toEqual([]);
});

test('the order of the entries does not matter', () => {
  expect(leaderboardTable([...board].reverse())).toBe(leaderboardTable(board));
});

test('seeds of one method are one row with their mean', () => {
  const rows = rowsOf(leaderboardTable([sampleEntry({ robust: [452, 400] }), sampleEntry({ seed: 1, robust: [452, 380] })]));
  expect(rows).toHaveLength(1);
  // (400 + 380) / 2 = 390 of 500; the interval is that of 390 of 500.
  expect(rows[0]![5]).toBe('78.0 [74.2, 81.4]');
  expect(rows[0]!.at(-2)).toBe('0, 1');
});

test('refused and unreliable entries come last, without a rank', () => {
  const unreliable = sampleEntry({ id: 'masked', robust: [489, 480], change: (entry) => (entry.unreliable = true) });
  const refused = sampleEntry({ id: 'wrong', robust: [489, 489], change: (entry) => Object.assign(entry, { refused: 'S07' }) });
  const rows = rowsOf(leaderboardTable([refused, unreliable, ...board]));
  expect(rows.map(([rank]) => rank)).toEqual(['1', '1', '3', '4', '–', '–']);
  expect(rows.slice(-2).map((row) => row[1]!.split(' ')[0])).toEqual(['masked', 'wrong']);
  expect(rows.at(-1)!.join()).toContain('refused: S07');
});

test('what a check broke besides counts: it ranks, and the figure of the suite stands beside it', async () => {
  // 398 would lead; 380 of 500 are known to stand: 76.0 %, by hand [72.1, 79.5].
  const lower = sampleEntry({ id: 'trades', robust: [449, 398], change: ({ evaluations }) => (evaluations[1]!.bestKnown = { correct: 380, n: 500, ci95: wilson(380, 500), by: ['S12', 'S15'] }) });
  const entries = [...board.filter(({ method }) => method.id !== 'trades'), lower];
  const rows = rowsOf(leaderboardTable(entries));
  expect(rows.slice(0, 2).map((row) => [row[1]!.split(' ')[0], row[5]])).toEqual([['pgd-at', '78.2 [74.4, 81.6]'], ['trades', '76.0 [72.1, 79.5], suite alone 79.6']]);
  expect(rowsOf(renderResultBlock('<!-- result:start --><!-- result:end -->', entries)).map((row) => row[5])).toContain('76.0 [72.1, 79.5], suite alone 79.6');
  const lines = formatTable(entries).split('\n');
  expect(lines.slice(2, 4).map((line) => line.split(' ')[0])).toEqual(['pgd-at', 'trades']);
  expect(lines[3]).toContain('76.0 [72.1, 79.5]');
  expect(lines).toContain('mnist-trades-0: the suite alone left 79.6; S12, S15 broke more.');
  const page = await renderReport({ entries });
  expect(page).toContain('<small>the suite alone left <data value="398">398</data>; S12, S15 broke more</small>');
  expect(page).toContain('<h1>pgd-at keeps');
});

test('other data are another table', () => {
  const other = sampleEntry({ change: (entry) => (entry.dataset.id = 'cifar10') });
  const table = leaderboardTable([...board, other]);
  expect(table.match(/^### .*$/gm)).toEqual(['### cifar10, Linf, 500 images attacked', '### mnist, Linf, 500 images attacked']);
});

test('a README keeps everything outside the markers, and rendering twice changes nothing', () => {
  const readme = 'Before.\n\n<!-- leaderboard:start -->\nold\n<!-- leaderboard:end -->\nAfter $& $1.\n';
  const rendered = renderLeaderboardReadme(readme, board);
  expect(rendered.startsWith('Before.\n\n<!-- leaderboard:start -->\n\n### mnist')).toBe(true);
  expect(rendered.endsWith('\n\n<!-- leaderboard:end -->\nAfter $& $1.\n')).toBe(true);
  expect(rendered).not.toContain('old');
  expect(renderLeaderboardReadme(rendered, board)).toBe(rendered);
});

test.each(['nothing', '<!-- leaderboard:start -->', '<!-- leaderboard:end --><!-- leaderboard:start -->'])('a README without both markers is refused: %s', (readme) => {
  expect(() => renderLeaderboardReadme(readme, board)).toThrow(RobustError);
  expect(() => renderLeaderboardReadme(readme, board)).toThrow(/Expected a text with the markers/);
});

test('a plugin README shows its own results', () => {
  const text = renderResultBlock('# P\n<!-- result:start --><!-- result:end -->\nend', [board[1]!, board[0]!]);
  const [row, baseline] = rowsOf(text);
  expect(row).toEqual(['pgd-at 0.1.0', 'small-cnn', '0', '97.8 [96.1, 98.8]', '90.4 [87.5, 92.7]', '78.2 [74.4, 81.6]', 'pgd', '1 056 000', 'wasm simd']);
  expect(baseline![0]).toBe('standard 0.1.0');
  expect(renderResultBlock(text, [])).toBe('# P\n<!-- result:start -->\n\nNothing has been measured yet.\n\n<!-- result:end -->\nend');
});

test('the text table is aligned and its numbers are those of the entries', () => {
  const lines = formatTable(board).split('\n');
  const starts = [...lines[1]!.matchAll(/-+/g)].map(({ index, 0: dashes }) => [index, index + dashes.length] as const);
  const cells = lines.slice(2, 6).map((line) => starts.map(([from, to]) => line.slice(from, to).trim()));
  expect(cells).toEqual([
    ['trades', '97.8', '89.8', '79.6 [75.8, 82.9]', 'pgd', '1.06M', '99.0k', '1 warned'],
    ['pgd-at', '97.8', '90.4', '78.2 [74.4, 81.6]', 'pgd', '1.06M', '99.0k', '1 warned'],
    ['advprop', '97.8', '67.6', '24.2 [20.7, 28.1]', 'pgd', '1.06M', '99.0k', '1 warned'],
    ['standard training', '97.8', '12.2', '0.0 [0.0, 0.8]', 'pgd', '1.06M', '99.0k', '1 warned'],
  ]);
});

test('the text table fits 100 columns whatever comes', () => {
  const entryOf = (id: string) => sampleEntry({
    id,
    n: 50_000, clean: 50_000, robust: [50_000, 50_000],
    change: (value) => {
      value.evaluations = [0.01, 0.02, 0.03, 0.04, 0.05, 8 / 255].map((eps) => ({ ...value.evaluations[0]!, threat: { ...value.evaluations[0]!.threat, eps, type: 'Linf-with-more-words' } }));
      value.unreliable = true;
      value.refused = `because ${'of a long reason '.repeat(10)}${'x'.repeat(250)}`;
    },
  });
  const table = formatTable(['a-method-with-a-name-that-does-not-end-before-the-line-does', 'other'].map(entryOf));
  for (const line of table.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  expect(table).toContain('100.000 [99.992, 100.000]');
  expect(table).toMatch(/more budgets are in the report/);
});
