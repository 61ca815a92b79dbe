import { expect, test } from 'vitest';
import { formatTable, leaderboardTable, renderReport, type ReportInput } from '../../src/index.ts';
import { sampleCurve, sampleEntry, samplePicture } from './sample.ts';

const HOSTILE = `"><img src=x onerror=alert(1)><script>alert('a')</script>&amp;|[x](javascript:alert(2))`;
// The same letters without those that mean something in HTML or Markdown.
const HARMLESS = HOSTILE.replace(/[^a-z0-9 ]/g, 'x');

/** Every string of a record made hostile, keys of free-form objects included; words the schema fixes stay. */
function poison<Value>(value: Value, poisoned: string): Value {
  const fixed = new Set(['pass', 'warn', 'fail', 'suite']);
  const visit = (part: unknown): unknown => {
    if (typeof part === 'string') return fixed.has(part) || /^S\d\d$/.test(part) || part.startsWith('http') ? part : `${poisoned}${part}`;
    if (Array.isArray(part)) return part.map(visit);
    if (part instanceof Float32Array || typeof part !== 'object' || part === null) return part;
    return Object.fromEntries(Object.entries(part).map(([key, inner]) => [key, visit(inner)]));
  };
  return visit(value) as Value;
}

function input(poisoned: string): ReportInput {
  const [first, second] = ['pgd-at', 'trades'].map((id, seed) => {
    const entry = sampleEntry({ id, seed, robust: [400, 380 - 200 * seed], change: (value) => Object.assign(value, { refused: seed ? 'broken' : undefined, flags: ['odd'], paper: { title: 'A', authors: 'B', venue: 'C', year: 2018, url: 'https://example.org/a' } }) });
    const changed = poison(entry, poisoned);
    changed.versions = { [poisoned]: '1' };
    changed.evaluations[0]!.attacks[0]!.config = { [poisoned]: poisoned };
    return changed;
  }) as [ReturnType<typeof sampleEntry>, ReturnType<typeof sampleEntry>];
  return {
    entries: [first, second],
    curves: { [first.id]: sampleCurve(3) },
    timings: { [first.id]: { seconds: { train: 1 }, device: poisoned, processor: poisoned, startedAt: poisoned } },
    pictures: { [first.id]: [poison(samplePicture([1, 2, 1], [0, 1], [0.1, 0.9]), poisoned)] },
    classNames: Array.from({ length: 10 }, (_, i) => `${poisoned}${i}`),
  };
}

/** Tags with the names of their attributes, in order: what a browser would build. */
const skeleton = (page: string): string[] => (page.match(/<[^>]*>/g) ?? []).map((tag) => tag.replace(/="[^"]*"/g, '='));

test('hostile text adds no tag and no attribute to the page', async () => {
  const hostile = await renderReport(input(HOSTILE));
  expect(skeleton(hostile)).toEqual(skeleton(await renderReport(input(HARMLESS))));
  expect(hostile).toContain('&lt;img src=x onerror=alert(1)&gt;');
  expect(hostile).not.toMatch(/<script|<img src=x/i);
});

test('an address that is none of the web becomes text', async () => {
  const entry = sampleEntry({ change: (value) => (value.paper = { title: 'A', authors: 'B', venue: 'Venue', year: 2018, url: 'javascript:alert(1)' }) });
  const page = await renderReport({ entries: [entry] });
  expect(page).toContain('Venue 2018');
  expect(page).not.toContain('javascript:');
  expect(leaderboardTable([entry])).not.toContain('javascript:');
});

test('hostile text adds no column and no link to a Markdown table', () => {
  const table = leaderboardTable(input(HOSTILE).entries);
  const rows = table.split('\n').filter((line) => line.startsWith('|'));
  // A bar that is not escaped separates columns.
  const columns = rows.map((line) => line.match(/(?<!\\)\|/g)!.length);
  expect(rows).toHaveLength(4);
  expect(new Set(columns).size).toBe(1);
  expect(table).not.toMatch(/<(?!https:\/\/example\.org\/a>)/);
  expect(table).not.toMatch(/(?<!\\)\]\(javascript/);
});

test('control characters do not reach the terminal', () => {
  const table = formatTable([sampleEntry({ id: 'a\u001b[31mred\nline\u202e' }), sampleEntry({ id: 'plain', seed: 1 })]);
  expect([...table].filter((letter) => letter !== '\n' && /[\p{Cc}\p{Cf}]/u.test(letter))).toEqual([]);
  expect(table.split('\n').filter((line) => line.includes('red'))).toHaveLength(1);
});

test('the page loads nothing: only links to papers lead out of it', async () => {
  const entry = sampleEntry({ change: (value) => (value.paper = { title: 'A', authors: 'B', venue: 'C', year: 2018, url: 'https://example.org/paper' }) });
  const pictures = { [entry.id]: [samplePicture([1, 2, 1], [0, 1], [0.1, 0.9])] };
  const page = await renderReport({ entries: [entry], pictures, curves: { [entry.id]: sampleCurve(2) } });
  const sources = [...page.matchAll(/\s(?:src|srcset|poster|data|action|background)="([^"]*)"/g)].map(([, address]) => address!);
  const links = [...page.matchAll(/href="([^"]*)"/g)].map(([, address]) => address!);
  expect(sources).toHaveLength(3);
  expect(sources.every((address) => address.startsWith('data:image/png;base64,'))).toBe(true);
  expect(links.filter((address) => !address.startsWith('#'))).toEqual(['https://example.org/paper']);
  expect(page).not.toMatch(/url\(|@import|<link|<script|<iframe|<object|<base|http-equiv/i);
  expect([...page.matchAll(/https?:\/\/[^"]*/g)].map(([address]) => address)).toEqual(['https://example.org/paper']);
  // Every link inside the page has its target.
  for (const link of links.filter((address) => address.startsWith('#'))) expect(page).toContain(`id="${link.slice(1)}"`);
});
