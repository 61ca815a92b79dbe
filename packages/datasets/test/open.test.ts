import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type DatasetId, download, openDataset, RELEASES, writeNpy } from '../src/index.ts';
import { cacheFolder, placesOf } from '../src/node/locate.ts';
import { expectCode, idx, range, temporaryFolder, writeFiles } from './fixtures.ts';

const folder = await temporaryFolder();
const { ROBUSTJS_DATA: before } = process.env;
afterEach(() => {
  if (before === undefined) delete process.env['ROBUSTJS_DATA'];
  else process.env['ROBUSTJS_DATA'] = before;
});

// 40 training and 10 test images of one pixel; the first byte tells sets apart.
const idxFiles = (first: number): Record<string, Uint8Array> => ({
  'train-images-idx3-ubyte': idx([40, 1, 1], [first, ...range(39)]),
  'train-labels-idx1-ubyte': idx([40], range(40).map((i) => i % 10)),
  't10k-images-idx3-ubyte': idx([10, 1, 1], range(10)),
  't10k-labels-idx1-ubyte': idx([10], range(10)),
});
const inFolder = (name: string, files: Readonly<Record<string, Uint8Array>>): Record<string, Uint8Array> =>
  Object.fromEntries(Object.entries(files).map(([file, content]) => [`${name}/${file}`, content]));

describe('openDataset', () => {
  test('finds a set in the folder given, in one named after it, in ROBUSTJS_DATA and in the cache', async () => {
    const root = await writeFiles(join(folder, 'root'), { ...inFolder('mnist-full', idxFiles(1)), ...inFolder('other', idxFiles(2)) });
    const byteOf = async (dataDir?: string, cacheDir?: string): Promise<number> => {
      const { train, validation } = await openDataset({ id: 'mnist-full', download: false, validation: 10, ...(dataDir && { dataDir }), ...(cacheDir && { cacheDir }) });
      expect([train.size, validation.size]).toEqual([30, 10]);
      const pool = train.ids.includes(0) ? train : validation;
      return Math.round((await pool.read([pool.ids.indexOf(0)]))[0]! * 255);
    };
    expect(await byteOf(root)).toBe(1);
    expect(await byteOf(join(root, 'other'))).toBe(2);
    process.env['ROBUSTJS_DATA'] = root;
    expect(await byteOf()).toBe(1);
    expect(await byteOf(join(root, 'other'))).toBe(2);
    // The variable serves all sets: a bare set in it could be any.
    process.env['ROBUSTJS_DATA'] = join(root, 'other');
    await expectCode('RJS_DATA_MISSING', () => byteOf(undefined, join(folder, 'nothing')));
    await writeFiles(join(folder, 'cache'), inFolder('mnist-full', Object.fromEntries(Object.entries(idxFiles(3)).map(([name, content]) => [`${name}.gz`, content]))));
    expect(await byteOf(undefined, join(folder, 'cache'))).toBe(3);
  });

  test('keeps official parts, and splits off what is missing', async () => {
    const labels = (count: number): Uint8Array => writeNpy(Int32Array.from(range(count), (i) => i % 2), [count]);
    const images = (count: number): Uint8Array => writeNpy(Uint8Array.from(range(count)), [count, 1]);
    const one = await writeFiles(join(folder, 'one'), { 'x_train.npy': images(100), 'y_train.npy': labels(100) });
    const undivided = await openDataset({ id: 'npy', dataDir: one });
    expect([undivided.train.size, undivided.validation.size, undivided.test.size]).toEqual([80, 10, 10]);
    expect(new Set([...undivided.train.ids, ...undivided.validation.ids, ...undivided.test.ids]).size).toBe(100);
    expect((await openDataset({ id: 'npy', dataDir: one, seed: 1 })).test.ids).not.toEqual(undivided.test.ids);
    const three = await writeFiles(join(folder, 'three'), {
      'x_train.npy': images(8), 'y_train.npy': labels(8), 'x_validation.npy': images(4), 'y_validation.npy': labels(4), 'x_test.npy': images(6), 'y_test.npy': labels(6),
    });
    const divided = await openDataset({ id: 'npy', dataDir: three });
    expect([[...divided.train.ids], [...divided.validation.ids], [...divided.test.ids]]).toEqual([range(8), [8, 9, 10, 11], range(6).map((i) => 12 + i)]);
  });

  test('says what is missing, where it looked, and writes nothing', async () => {
    const cacheDir = join(folder, 'empty-cache');
    for (const id of ['mnist-full', 'cifar10', 'cifar10-jpeg'] as const) {
      const message = await expectCode('RJS_DATA_MISSING', () => openDataset({ id, dataDir: join(folder, 'nowhere'), cacheDir, download: false }));
      expect(message).toContain(join(folder, 'nowhere', id));
    }
    await expectCode('RJS_DATA_MISSING', () => openDataset({ id: 'image-folder' }));
    await expectCode('RJS_DATA_MISSING', () => openDataset({ id: 'npy' }));
    expect(existsSync(cacheDir)).toBe(false);
    await expectCode('RJS_DATA_ID', () => openDataset({ id: 'imagenet' as DatasetId }));
    await expectCode('RJS_DATA_SPLIT', () => openDataset({ id: 'mnist', validation: 20_000 }));
  });
});

test('places: given folder first, then the system, then the cache', () => {
  process.env['ROBUSTJS_DATA'] = '/shared';
  expect(placesOf('cifar10', { cacheDir: '/cache' })).toEqual(['/shared/cifar10', '/usr/share/datasets/cifar10', '/cache/cifar10']);
  expect(placesOf('cifar10', { dataDir: '/mine', cacheDir: '/cache' })).toEqual(['/mine/cifar10', '/mine', '/usr/share/datasets/cifar10', '/cache/cifar10']);
  expect(cacheFolder('x')).toMatch(/robustjs[\\/]datasets[\\/]x$/);
});

test('every file that is downloaded has a secure address, a length and a SHA-256', () => {
  for (const file of Object.values(RELEASES).flat()) {
    expect(file.url).toMatch(new RegExp(`^https://.*/${file.name}$`));
    expect(file.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(file.bytes).toBeGreaterThan(1000);
  }
});

const system = '/usr/share/datasets/fashion-mnist';
test.skipIf(!existsSync(system))('Fashion-MNIST from a mirror: the files that Zalando Research published, by hash', async () => {
  // Debian packed the same deflate streams without name and time; with these back, the published files are restored.
  const published = (name: string): Buffer => {
    const packed = readFileSync(join(system, name));
    const time = name.startsWith('t10k') ? 0x59a7e9f3 : 0x59a7e9de;
    const head = Buffer.from([0x1f, 0x8b, 8, 8, 0, 0, 0, 0, packed[8]!, 3]);
    head.writeUInt32LE(time, 4);
    return Buffer.concat([head, Buffer.from(`${name.replace('.gz', '')}\0`), packed.subarray(10)]);
  };
  const server = createServer((request, response) => response.end(published(request.url!.slice('/copy/'.length))));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const mirror = `http://127.0.0.1:${(server.address() as AddressInfo).port}/copy`;
  const cacheDir = join(folder, 'downloaded');
  try {
    for (const { name, bytes, sha256 } of RELEASES['fashion-mnist']) {
      await download({ url: `${mirror}/${name}`, bytes, sha256, cacheDir: join(cacheDir, 'fashion-mnist') });
    }
    expect(readdirSync(join(cacheDir, 'fashion-mnist')).sort()).toEqual(RELEASES['fashion-mnist'].map(({ name }) => name).sort());
    // MNIST has files of the same names: a mirror with the wrong ones is found out.
    await expectCode('RJS_DATA_HASH', () => openDataset({ id: 'mnist-full', dataDir: join(folder, 'nowhere'), cacheDir, mirror }));
    expect(readdirSync(join(cacheDir, 'mnist-full'))).toEqual([]);
  } finally {
    server.close();
  }
});
