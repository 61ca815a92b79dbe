import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadFashionMnist, loadMnist, parseIdx } from '../src/index.ts';
import { expectCode, idx, range, temporaryFolder, writeFiles } from './fixtures.ts';

const folder = await temporaryFolder();

describe('parseIdx', () => {
  test('gives shape and values', () => {
    const { shape, values } = parseIdx(idx([2, 1, 3], [1, 2, 3, 4, 5, 6]), 'a.idx');
    expect(shape).toEqual([2, 1, 3]);
    expect([...values]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test.each([
    ['a wrong first byte', Uint8Array.of(1, 0, 8, 1, 0, 0, 0, 0), 'at byte 0'],
    ['another type', Uint8Array.of(0, 0, 13, 1, 0, 0, 0, 0), 'at byte 2'],
    ['no axes', Uint8Array.of(0, 0, 8, 0), 'at byte 3'],
    ['a cut header', Uint8Array.of(0, 0, 8, 2, 0, 0, 0, 1), 'at byte 8'],
    ['nothing', new Uint8Array(0), 'at byte 0'],
    // 4 + 4 bytes of header and 3 values are declared.
    ['a missing value', idx([3], [1, 2]), 'at byte 10'],
    ['a value too many', idx([3], [1, 2, 3, 4]), 'at byte 11'],
  ])('names the file and the byte for %s', async (_name, bytes, where) => {
    const message = await expectCode('RJS_DATA_FORMAT', () => parseIdx(bytes, 'some.idx'));
    expect(message).toContain(`${where} of some.idx`);
  });
});

describe('a folder of IDX files', () => {
  // 3 training and 2 test images of 2 x 2; pixel p of image i is 10 i + p.
  const pixels = (first: number, count: number): number[] => range(count).flatMap((i) => range(4).map((p) => 10 * (first + i) + p));
  const files = {
    'train-images-idx3-ubyte.gz': gzipSync(idx([3, 2, 2], pixels(0, 3))),
    'train-labels-idx1-ubyte': idx([3], [4, 9, 0]),
    't10k-images-idx3-ubyte': idx([2, 2, 2], pixels(3, 2)),
    't10k-labels-idx1-ubyte.gz': gzipSync(idx([2], [7, 7])),
  };
  const withFile = (name: string, content: Uint8Array): Promise<string> => writeFiles(join(folder, String(next++)), { ...files, [name]: content });
  let next = 0;
  let dataDir = '';
  beforeAll(async () => {
    dataDir = await writeFiles(join(folder, 'good'), files);
  });

  test('is read, gzipped or not', async () => {
    const { train, test: held } = await loadMnist({ dataDir });
    expect([train.size, held.size, train.inputShape, train.split, held.split]).toEqual([3, 2, [2, 2, 1], 'train', 'test']);
    expect([...train.labels, ...held.labels]).toEqual([4, 9, 0, 7, 7]);
    expect([...train.ids, ...held.ids]).toEqual([0, 1, 2, 3, 4]);
    expect([...(await held.read([1]))]).toEqual([40, 41, 42, 43].map((byte) => Math.fround(byte / 255)));
  });

  test('whose labels do not match its images is refused', async () => {
    const wrong = await withFile('train-labels-idx1-ubyte', idx([2], [4, 9]));
    expect(await expectCode('RJS_DATA_MISMATCH', () => loadMnist({ dataDir: wrong }))).toContain('train-labels-idx1-ubyte');
    const swapped = await withFile('train-labels-idx1-ubyte', idx([3, 2, 2], pixels(0, 3)));
    await expectCode('RJS_DATA_MISMATCH', () => loadMnist({ dataDir: swapped }));
    const above = await withFile('train-labels-idx1-ubyte', idx([3], [4, 10, 0]));
    await expectCode('RJS_DATA_MISMATCH', () => loadMnist({ dataDir: above }));
  });

  test('with cut gzip is refused, naming the file', async () => {
    const cut = await withFile('train-images-idx3-ubyte.gz', files['train-images-idx3-ubyte.gz'].subarray(0, 30));
    const message = await expectCode('RJS_DATA_FORMAT', () => loadMnist({ dataDir: cut }));
    expect(message).toMatch(/at byte \d+ of .*train-images-idx3-ubyte\.gz/);
  });

  test('that declares a huge size is refused before anything is allocated', async () => {
    const huge = idx([0xffff, 0xffff, 0xff], range(100));
    const before = process.memoryUsage().arrayBuffers;
    const packed = await withFile('train-images-idx3-ubyte.gz', gzipSync(huge));
    await expectCode('RJS_DATA_LIMIT', () => loadMnist({ dataDir: packed }));
    const plain = await writeFiles(join(folder, 'huge'), { 'train-images-idx3-ubyte': huge, 'train-labels-idx1-ubyte': idx([1], [1]) });
    await expectCode('RJS_DATA_FORMAT', () => loadMnist({ dataDir: plain }));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10e6);
  });

  test('with gzip that goes on too long is refused', async () => {
    const long = await withFile('train-images-idx3-ubyte.gz', gzipSync(idx([3, 2, 2], new Uint8Array(100_000))));
    await expectCode('RJS_DATA_FORMAT', () => loadMnist({ dataDir: long }));
  });

  test('that lacks a file is refused, naming it', async () => {
    const message = await expectCode('RJS_DATA_MISSING', () => loadMnist({ dataDir: join(folder, 'nowhere') }));
    expect(message).toContain('train-images-idx3-ubyte');
  });
});

const system = '/usr/share/datasets/fashion-mnist';
test.skipIf(!existsSync(system))('Fashion-MNIST of the Debian package dataset-fashion-mnist', async () => {
  const { train, test: held } = await loadFashionMnist({ dataDir: system });
  // Balanced, as its paper says: 6,000 and 1,000 an example class. First labels: ankle boot; ankle boot, pullover.
  expect([train.size, held.size]).toEqual([60_000, 10_000]);
  expect(range(10).map((label) => train.labels.filter((l) => l === label).length)).toEqual(Array(10).fill(6000));
  expect(range(10).map((label) => held.labels.filter((l) => l === label).length)).toEqual(Array(10).fill(1000));
  expect([train.labels[0], held.labels[0], held.labels[1]]).toEqual([9, 9, 2]);
  expect(train.classNames?.[9]).toBe('Ankle boot');
  const values = await train.read(range(1000));
  expect(Math.max(...values.subarray(0, 78_400))).toBe(1);
  expect(Math.min(...values.subarray(0, 78_400))).toBe(0);
});
