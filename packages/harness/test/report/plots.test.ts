import { expect, test } from 'vitest';
import { type Entry, renderReport } from '../../src/index.ts';
import { spread } from '../../src/report/spread.ts';
import { between, sampleCurve, sampleEntry } from './sample.ts';

interface Mark {
  readonly label: string;
  readonly x: number;
  readonly y: number;
}

function marks(svg: string): Mark[] {
  return [...svg.matchAll(/<path aria-label="([^"]*)" role="graphics-symbol" aria-roledescription="point" transform="translate\(([-\d.e]+),([-\d.e]+)\)/g)].map(
    ([, label, x, y]) => ({ label: label!, x: Number(x), y: Number(y) }),
  );
}

const wide = (page: string, section: string): string => between(between(page, `id="${section}"`, '<figcaption'), 'class="wide"', '</svg>');
const without = (entry: Entry): Entry => {
  const { curve: _, ...rest } = entry;
  return rest;
};

test('accuracy against eps has one mark for each point of each curve and each evaluation, with its numbers', async () => {
  const entries = [sampleEntry(), sampleEntry({ id: 'trades', robust: [430, 300] })];
  const found = marks(wide(await renderReport({ entries }), 'budget'));
  const read = found.map(({ label }) => /^(.*), (.*), eps (.*): .*%, (\d+) of (\d+), 95 % interval ([\d.]+) to ([\d.]+)$/.exec(label)!.slice(1));
  const expected = entries.flatMap(({ method, curve, evaluations }) => [
    ...curve!.points.map((point) => ({ name: method.id, attack: 'pgd', ...point })),
    ...evaluations.map(({ threat, robust }) => ({ name: method.id, attack: 'all attacks', eps: threat.eps, ...robust })),
  ]);
  const text = (rows: unknown[][]): string[] => rows.map((row) => row.join(' ')).sort();
  expect(text(read)).toEqual(text(expected.map(({ name, attack, eps, correct, n, ci95 }) => [name, attack, eps, correct, n, ...ci95.map((end) => (end * 100).toFixed(1))])));
});

test('a mark stands where its accuracy and eps belong', async () => {
  const entry = without(sampleEntry());
  const found = marks(wide(await renderReport({ entries: [entry] }), 'budget'));
  // The plot is 980 by 380 with margins of 50, 170, 12 and 46: 760 by 322. Accuracy 1 is at the top; eps runs from 0 to 0.2.
  expect(found).toHaveLength(3);
  const shares = [489 / 500, 452 / 500, 391 / 500];
  found.forEach(({ x, y }, i) => {
    expect(x).toBeCloseTo([0, 380, 760][i]!, 6);
    expect(y).toBeCloseTo(322 * (1 - shares[i]!), 6);
  });
});

test('training curves have one mark an epoch', async () => {
  const entry = sampleEntry();
  const page = await renderReport({ entries: [entry], curves: { [entry.id]: sampleCurve(5) } });
  const section = between(page, 'id="training"', '</section>');
  const [loss, validation] = section.split('class="wide"').slice(1).map((part) => marks(part.split('</svg>')[0]!));
  expect(loss!.map(({ label }) => label)).toEqual([2, 1, 0.6667, 0.5, 0.4].map((value, i) => `pgd-at, epoch ${i + 1}: loss ${value.toPrecision(4)}`));
  expect(validation).toHaveLength(5);
});

test('the phone gets plots of its own, with the same marks', async () => {
  const page = between(await renderReport({ entries: [sampleEntry()] }), 'id="budget"', '</section>');
  const narrow = between(page, 'class="narrow"', '</svg>');
  expect(narrow).toContain('width="350"');
  expect(marks(narrow).map(({ label }) => label)).toEqual(marks(between(page, 'class="wide"', '</svg>')).map(({ label }) => label));
});

test('plots share no ids, so that none borrows from another', async () => {
  const entry = sampleEntry();
  const page = await renderReport({ entries: [entry], curves: { [entry.id]: sampleCurve(3) } });
  const ids = [...page.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id);
  expect(new Set(ids).size).toBe(ids.length);
});

test('labels move apart, keep their order and stay inside', () => {
  const moved = spread([0.5, 0.51, 0.5, 0.99, 0], 0.1, 0, 1);
  const order = [4, 0, 2, 1, 3].map((i) => moved[i]!);
  for (let i = 1; i < order.length; i++) expect(order[i]! - order[i - 1]!).toBeGreaterThanOrEqual(0.1 - 1e-12);
  expect(Math.min(...moved)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...moved)).toBeLessThanOrEqual(1);
  expect(spread([0.1, 0.9], 0.1, 0, 1)).toEqual([0.1, 0.9]);
  // Three in the room of two gaps of 0.1: they share what there is.
  expect(spread([1, 1, 1], 0.4, 0.9, 1)).toEqual([0.9, 0.95, 1].map((value) => expect.closeTo(value, 12) as number));
});
