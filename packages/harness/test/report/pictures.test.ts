import { randomStream } from '@robustjs/core';
import { decode } from 'fast-png';
import { expect, test } from 'vitest';
import { renderReport } from '../../src/index.ts';
import { between, sampleEntry, samplePicture } from './sample.ts';

function images(page: string): ReturnType<typeof decode>[] {
  const addresses = [...page.matchAll(/src="data:image\/png;base64,([^"]*)"/g)].map(([, text]) => text!);
  return addresses.map((text) => decode(Buffer.from(text, 'base64')));
}

test('a grey picture comes back from its PNG, and its difference is painted blue, white and orange', async () => {
  const entry = sampleEntry();
  const picture = samplePicture([2, 2, 1], [0, 0.25, 0.5, 1], [0.25, 0.25, 0.25, 0.875]);
  const [clean, adversarial, difference] = images(await renderReport({ entries: [entry], pictures: { [entry.id]: [picture] } }));
  expect([clean!.width, clean!.height, clean!.channels]).toEqual([2, 2, 1]);
  // value * 255, rounded.
  expect([...clean!.data]).toEqual([0, 64, 128, 255]);
  expect([...adversarial!.data]).toEqual([64, 64, 64, 223]);
  // The largest change, 0.25, gets the full color; -0.125 the color half way between (244, 243, 240) and (0, 114, 178).
  expect([...difference!.data]).toEqual([213, 94, 0, 244, 243, 240, 0, 114, 178, 122, 179, 209]);
});

test('a color picture keeps its channels, rows and columns, and is read in the bounds of its model', async () => {
  const entry = sampleEntry({ change: ({ model }) => (model.bounds = [-1, 1]) });
  const values = Array.from({ length: 2 * 3 * 3 }, (_, i) => -1 + (2 * i) / 17);
  const picture = samplePicture([2, 3, 3], values, values.map((value, i) => (i === 4 ? value - 0.5 : value)));
  const [clean, , difference] = images(await renderReport({ entries: [entry], pictures: { [entry.id]: [picture] } }));
  expect([clean!.width, clean!.height, clean!.channels]).toEqual([3, 2, 3]);
  expect([...clean!.data]).toEqual(values.map((_, i) => 15 * i));
  // No change is the middle, 127.5 rounded up; the one lowered channel goes to 0.
  expect([...difference!.data]).toEqual(values.map((_, i) => (i === 4 ? 0 : 128)));
});

test('values outside the bounds are cut off, and an attack that changed nothing says so', async () => {
  const entry = sampleEntry();
  const page = await renderReport({ entries: [entry], pictures: { [entry.id]: [samplePicture([1, 2, 1], [-0.5, 1.5], [-0.5, 1.5])] } });
  expect([...images(page)[0]!.data]).toEqual([0, 255]);
  expect(page).toContain('The attack changed nothing in these images.');
});

test('captions name label, predictions, attack and scale', async () => {
  const entry = sampleEntry();
  const page = await renderReport({ entries: [entry], pictures: { [entry.id]: [samplePicture([1, 2, 1], [0.5, 0.5], [0.7, 0.5])] }, classNames: ['a', 'b', 'c', 'dog', 'e', 'fox'] });
  const gallery = between(page, 'class="gallery"', '</section>');
  expect(gallery).toContain('alt="Example 7, clean; label dog, model says dog"');
  expect(gallery).toContain('alt="Example 7 after pgd with eps 0.2; model says fox"');
  expect(gallery).toContain('<b class="wrong">fox</b>');
  expect(gallery).toContain('fooled');
  expect(gallery).toContain('scaled by 5: full color is a change of 0.2');
});

test('a page with many pictures stays under two megabytes', async () => {
  const entries = ['standard', 'pgd-at', 'trades', 'advprop'].map((id) => sampleEntry({ id }));
  // Noise does not compress: the worst case for a PNG.
  const noise = (salt: number): number[] => Array.from(randomStream(salt).uniform(96 * 96 * 3));
  const many = Array.from({ length: 12 }, (_, i) => samplePicture([96, 96, 3], noise(i), noise(i + 1)));
  const page = await renderReport({ entries, pictures: Object.fromEntries(entries.map(({ id }) => [id, many])) });
  expect(page.length).toBeLessThan(2_000_000);
  expect(page.match(/ \d of 12 pictures shown/g)).toHaveLength(4);
});
