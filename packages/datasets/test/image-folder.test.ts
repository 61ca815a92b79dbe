import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { imageLayout, loadImageFolder, openDataset, take } from '../src/index.ts';
import { loadDecoder } from '../src/node/decode.ts';
import { type Entry, expectCode, jpeg, png, range, tar, temporaryFolder, writeFiles } from './fixtures.ts';

const folder = await temporaryFolder();
const shared = process.env['ROBUSTJS_SHARED'] ?? new URL('../../../../shared', import.meta.url).pathname;

// A 2 x 2 colour image of 12 bytes first, first + 1, …
const pixels = (first: number): Uint8Array => Uint8Array.from(range(12), (i) => first + i);
const image = (first: number): Promise<Uint8Array> => png(pixels(first), 2, 2, 3);
const floats = (first: number): number[] => range(12).map((i) => Math.fround((first + i) / 255));

const files = {
  'train/cat/1.png': await image(10),
  'train/ant/7.png': await image(20),
  'train/ant/3.PNG': await image(30),
  'test/cat/1.png': await image(40),
};
const extra = { 'README.txt': 'not an image', 'train/ant/.hidden.png': 'not an image', 'train/ant/notes.csv': '1,2' };

describe('imageLayout', () => {
  test('passes over folders that all paths share', () => {
    const places = imageLayout(['data/v1/train/b/1.jpg', 'data/v1/val/a/1.jpg'], 'x');
    expect(places.map(({ split, className }) => [split, className])).toEqual([['train', 'b'], ['validation', 'a']]);
    expect(imageLayout(['data/a/1.jpg', 'data/b/1.jpg'], 'x').map(({ className }) => className)).toEqual(['a', 'b']);
    expect(imageLayout(['a/1.jpg', 'a/2.jpg'], 'x').map(({ className }) => className)).toEqual(['a', 'a']);
  });

  test.each([[[]], [['1.jpg']], [['a/1.jpg', 'b/c/1.jpg']], [['train/a/1.jpg', 'b/1.jpg']], [['train/a/b/1.jpg', 'test/a/1.jpg']]])('refuses %j', async (paths) => {
    await expectCode('RJS_DATA_LAYOUT', () => imageLayout(paths, 'x'));
  });
});

describe('a folder of images', () => {
  test('is the same as its archive', async () => {
    const dataDir = await writeFiles(join(folder, 'plain'), { ...files, ...extra });
    const entries: Entry[] = [{ name: './train/', type: 'directory' }, ...Object.entries({ ...files, ...extra }).map(([name, content]) => ({ name: `./${name}`, content }))];
    await writeFiles(folder, { 'a.tar': await tar(entries), 'a.tar.gz': gzipSync(await tar(entries)) });
    const hashes = new Set<string>();
    for (const place of [dataDir, join(folder, 'a.tar'), join(folder, 'a.tar.gz')]) {
      const { train, test: held } = await loadImageFolder({ dataDir: place, note: 'drawn for a test' });
      // Sorted paths: test/cat/1, train/ant/3, train/ant/7, train/cat/1.
      expect([[...held!.ids], [...train.ids]]).toEqual([[0], [1, 2, 3]]);
      expect([[...train.labels], train.classNames, train.inputShape, train.note]).toEqual([[0, 0, 1], ['ant', 'cat'], [2, 2, 3], 'drawn for a test']);
      expect([...(await train.read([2, 0]))]).toEqual([...floats(10), ...floats(30)]);
      expect([...(await train.read([2]))]).toEqual(floats(10));
      hashes.add(await train.hash());
    }
    expect(hashes.size).toBe(1);
  });

  test('decodes only what is asked for', async () => {
    const dataDir = await writeFiles(join(folder, 'lazy'), { ...files, 'train/cat/broken.png': 'not an image' });
    const { train } = await loadImageFolder({ dataDir });
    expect(train.size).toBe(4);
    expect([...(await train.read([0]))]).toEqual(floats(30));
    expect(await expectCode('RJS_DATA_FORMAT', () => train.read([0, 3]))).toMatch(/at byte 0 of .*broken\.png/);
  });

  test('gives grey or colour, and scales, when asked', async () => {
    const grey = await png(Uint8Array.of(0, 100, 200, 255), 2, 2, 1);
    const dataDir = await writeFiles(join(folder, 'grey'), { 'a/1.png': grey, 'b/1.png': grey });
    const plain = await loadImageFolder({ dataDir });
    expect([plain.train.inputShape, plain.train.split]).toEqual([[2, 2, 1], 'all']);
    expect([...(await plain.train.read([0]))]).toEqual([0, 100, 200, 255].map((byte) => Math.fround(byte / 255)));
    const colour = await loadImageFolder({ dataDir, inputShape: [2, 2, 3], keepDecoded: 0 });
    expect([...(await colour.train.read([1]))]).toEqual([0, 100, 200, 255].flatMap((byte) => Array<number>(3).fill(Math.fround(byte / 255))));
    await expectCode('RJS_DATA_MISMATCH', async () => (await loadImageFolder({ dataDir, inputShape: [4, 4, 1] })).train.read([0]));
    const scaled = await loadImageFolder({ dataDir, inputShape: [4, 4, 1], resize: true });
    expect((await scaled.train.read([0])).length).toBe(16);
  });

  test('of JPEG gives the colour that was drawn', async () => {
    const dataDir = await writeFiles(join(folder, 'jpeg'), { 'a/1.jpg': await jpeg(8, [200, 100, 50]), 'b/1.jpeg': await jpeg(8, [0, 0, 0]) });
    const values = await (await loadImageFolder({ dataDir })).train.read([0]);
    // JPEG keeps colours to about two steps of 255 at full quality.
    values.forEach((value, i) => expect(Math.abs(value * 255 - [200, 100, 50][i % 3]!)).toBeLessThan(3));
  });

  test('without splits is divided by openDataset', async () => {
    const entries = await Promise.all(range(20).map(async (i) => [`${i % 2 ? 'odd' : 'even'}/${i}.png`, await image(i)] as const));
    const dataDir = await writeFiles(join(folder, 'undivided'), Object.fromEntries(entries));
    const { train, validation, test: held } = await openDataset({ id: 'image-folder', dataDir, test: 4, validation: 2 });
    expect([train.size, validation.size, held.size]).toEqual([14, 2, 4]);
    expect([...train.ids, ...validation.ids, ...held.ids].sort((a, b) => a - b)).toEqual(range(20));
    expect(held.labels.reduce((a, b) => a + b, 0)).toBe(2);
  });

  test('that is missing or empty is refused', async () => {
    await expectCode('RJS_DATA_MISSING', () => loadImageFolder({ dataDir: join(folder, 'nowhere') }));
    await expectCode('RJS_DATA_LAYOUT', async () => loadImageFolder({ dataDir: await writeFiles(join(folder, 'empty'), { 'README.txt': 'nothing' }) }));
    await expectCode('RJS_DATA_LAYOUT', async () => loadImageFolder({ dataDir: await writeFiles(join(folder, 'tests'), { 'test/a/1.png': files['test/cat/1.png'] }) }));
  });
});

describe('an archive', () => {
  const good: Entry[] = Object.entries(files).map(([name, content]) => ({ name, content }));
  let next = 0;
  const write = async (entries: readonly Entry[], change = (bytes: Uint8Array): Uint8Array => bytes): Promise<string> => {
    const name = `${next++}.tar`;
    return join(await writeFiles(join(folder, 'unsafe'), { [name]: change(await tar(entries)) }), name);
  };

  test.each([
    ['a path to the parent', { name: '../evil.png', content: 'x' }],
    ['a path through the parent', { name: 'train/../../evil.png', content: 'x' }],
    ['an absolute path', { name: '/etc/evil.png', content: 'x' }],
    ['a path with backslashes', { name: 'train\\..\\evil.png', content: 'x' }],
    ['a drive', { name: 'C:/evil.png', content: 'x' }],
    ['a symbolic link', { name: 'train/cat/link.png', type: 'symlink' as const, linkname: '/etc/passwd' }],
    ['a hard link', { name: 'train/cat/link.png', type: 'link' as const, linkname: 'train/cat/1.png' }],
    ['a device', { name: 'train/cat/device.png', type: 'character-device' as const }],
  ])('with %s is refused', async (_name, entry) => {
    const dataDir = await write([...good, entry]);
    expect(await expectCode('RJS_DATA_PATH', () => loadImageFolder({ dataDir }))).toContain(dataDir);
  });

  test('with more than it may hold, or with a file twice, is refused', async () => {
    await expectCode('RJS_DATA_LIMIT', async () => loadImageFolder({ dataDir: await write(good), maxBytes: 100 }));
    await expectCode('RJS_DATA_FORMAT', async () => loadImageFolder({ dataDir: await write([...good, good[0]!]) }));
  });

  test('that was cut off between two files, or declares a huge file, is refused', async () => {
    // The first file takes a header and one block of data.
    const cut = await write(good, (bytes) => bytes.subarray(0, 1024));
    expect(await expectCode('RJS_DATA_FORMAT', () => loadImageFolder({ dataDir: cut }))).toContain('at byte 1024');
    const huge = await write(good, (bytes) => {
      const changed = Buffer.from(bytes);
      changed.write('77777777777\0', 124, 'latin1');
      const sum = changed.subarray(0, 512).reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0);
      changed.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
      return changed;
    });
    await expectCode('RJS_DATA_LIMIT', () => loadImageFolder({ dataDir: huge }));
    const text = join(await writeFiles(folder, { 'text.tar': 'x'.repeat(2000) }), 'text.tar');
    await expectCode('RJS_DATA_FORMAT', () => loadImageFolder({ dataDir: text }));
  });
});

test('a missing decoder is named with the command that installs it', async () => {
  expect(await expectCode('RJS_DATA_DECODER', () => loadDecoder('sharp-of-nowhere'))).toContain('npm install sharp-of-nowhere');
});

const archive = join(shared, 'data/cifar10-jpeg/cifar10-jpeg.tar.gz');
test.skipIf(!existsSync(archive))('CIFAR-10 as JPEG in shared data: 60,000 images, a sample decoded in bounded memory', async () => {
  const { train, validation, test: held } = await openDataset({ id: 'cifar10-jpeg', dataDir: join(shared, 'data') });
  expect([train.size, validation.size, held.size, train.inputShape]).toEqual([45_000, 5_000, 10_000, [32, 32, 3]]);
  expect(range(10).map((label) => train.labels.filter((l) => l === label).length)).toEqual(Array(10).fill(4500));
  expect([train.classNames?.[0], train.classNames?.[9], train.note?.includes('JPEG')]).toEqual(['airplane', 'truck', true]);
  const sample = take(held, 200, 0);
  const values = await sample.read(range(200));
  expect(values.length).toBe(200 * 3072);
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  // Published channel means of CIFAR-10: 0.491, 0.482, 0.447, so 0.473 overall; images differ by about 0.12.
  expect(Math.abs(mean - 0.473)).toBeLessThan(0.04);
  // The archive's encoded images are 54 MB; twice that is no copy of the 184 MB of pixels.
  expect(statSync(archive).size).toBeLessThan(20e6);
  expect(process.memoryUsage().arrayBuffers).toBeLessThan(250e6);
});
