import { describe, expect, test } from 'vitest';
import { type Dataset, memoryDataset, split, splitClasses, subset, take } from '../src/index.ts';
import { expectCode, range } from './fixtures.ts';

// 100 examples of one value; class 0 has 60 of them, class 1 has 30, class 2 has 10.
const labels = range(100).map((i) => (i < 60 ? 0 : i < 90 ? 1 : 2));
const dataset = memoryDataset({ id: 'toy', split: 'all', inputShape: [1, 1, 1], classes: 3, images: Uint8Array.from(range(100)), labels, firstId: 1000 });

const sorted = (set: Dataset): number[] => [...set.ids].sort((a, b) => a - b);
const counts = (set: Dataset): number[] => [0, 1, 2].map((label) => set.labels.filter((l) => l === label).length);

describe('split', () => {
  test('gives disjoint parts that cover the set, with the class proportions of the whole', () => {
    const parts = split(dataset, { parts: { train: 0.7, validation: 0.2, test: 0.1 }, seed: 3 });
    expect([parts.train.size, parts.validation.size, parts.test.size]).toEqual([70, 20, 10]);
    expect([...sorted(parts.train), ...sorted(parts.validation), ...sorted(parts.test)].sort((a, b) => a - b)).toEqual(range(100).map((i) => 1000 + i));
    // 70 %, 20 % and 10 % of 60, 30 and 10.
    expect(counts(parts.train)).toEqual([42, 21, 7]);
    expect(counts(parts.validation)).toEqual([12, 6, 2]);
    expect(counts(parts.test)).toEqual([6, 3, 1]);
    expect(parts.validation.split).toBe('validation');
  });

  test('is the same for the same seed, another for another seed', () => {
    const once = split(dataset, { parts: { a: 50 }, seed: 7 }).a;
    expect(split(dataset, { parts: { a: 50 }, seed: 7 }).a.ids).toEqual(once.ids);
    expect(split(dataset, { parts: { a: 50 }, seed: 8 }).a.ids).not.toEqual(once.ids);
  });

  test('does not depend on the order in which the set is stored', () => {
    const reversed = subset(dataset, range(100).reverse());
    for (const stratified of [true, false]) {
      const options = { parts: { a: 30, b: 70 }, seed: 1, stratified };
      expect(split(reversed, options).a.ids).toEqual(split(dataset, options).a.ids);
    }
  });

  test('keeps ids, labels and values together', async () => {
    const part = split(dataset, { parts: { a: 0.5 }, seed: 5 }).a;
    const values = await part.read(range(part.size));
    // Example i has the value i, the id 1000 + i and the label labels[i].
    part.ids.forEach((id, row) => {
      expect(Math.round(values[row]! * 255)).toBe(id - 1000);
      expect(part.labels[row]).toBe(labels[id - 1000]);
    });
  });

  test('refuses parts that do not fit', async () => {
    const message = await expectCode('RJS_DATA_SPLIT', () => split(dataset, { parts: { a: 60, b: 41 }, seed: 0 }));
    expect(message).toContain('60 + 41');
    await expectCode('RJS_DATA_SPLIT', () => split(dataset, { parts: { a: 0.6, b: 0.5 }, seed: 0 }));
    await expectCode('RJS_DATA_SPLIT', () => split(dataset, { parts: { a: 0.5, b: 10 }, seed: 0 }));
    await expectCode('RJS_DATA_SPLIT', () => split(dataset, { parts: { a: -1 }, seed: 0 }));
    await expectCode('RJS_DATA_SPLIT', () => split(dataset, { parts: { a: NaN }, seed: 0 }));
    await expectCode('RJS_SEED', () => split(dataset, { parts: { a: 1 }, seed: 0.5 }));
  });
});

test('take: a smaller sample is a prefix of a larger, and every sample is stratified', async () => {
  const large = take(dataset, 50, 9);
  expect([...take(dataset, 20, 9).ids]).toEqual([...large.ids.subarray(0, 20)]);
  // Half of 60, 30 and 10.
  expect(counts(large)).toEqual([30, 15, 5]);
  expect(take(dataset, 0, 9).size).toBe(0);
  await expectCode('RJS_DATA_SPLIT', () => take(dataset, 101, 9));
  await expectCode('RJS_DATA_SPLIT', () => take(dataset, 0.5, 9));
});

describe('splitClasses', () => {
  test('gives parts without a common class', () => {
    const parts = splitClasses(dataset, { train: [0, 2], test: [1] });
    expect(counts(parts.train)).toEqual([60, 0, 10]);
    expect(counts(parts.test)).toEqual([0, 30, 0]);
    expect(parts.test.classes).toBe(3);
  });

  test('refuses a class that is named twice or does not exist', async () => {
    await expectCode('RJS_DATA_SPLIT', () => splitClasses(dataset, { train: [0, 1], test: [1] }));
    await expectCode('RJS_DATA_SPLIT', () => splitClasses(dataset, { train: [3] }));
  });
});
