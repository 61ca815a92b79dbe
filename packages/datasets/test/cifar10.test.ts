import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { loadCifar10 } from '../src/index.ts';
import { expectCode, range, tar, temporaryFolder, writeFiles } from './fixtures.ts';

const folder = await temporaryFolder();
const PLANE = 1024;

// Two records a file. Record n has the label n % 10 and, at pixel p, red n + p, green n + 2 p, blue n + 3 p (mod 256).
const record = (n: number): number[] => [n % 10, ...[1, 2, 3].flatMap((k) => range(PLANE).map((p) => (n + k * p) % 256))];
const names = [...range(5).map((i) => `data_batch_${i + 1}.bin`), 'test_batch.bin'];
const files: Record<string, Uint8Array> = Object.fromEntries(names.map((name, i) => [name, Uint8Array.from([...record(2 * i), ...record(2 * i + 1)])]));
const inFolder = (prefix: string, changed: Readonly<Record<string, Uint8Array>> = {}): Record<string, Uint8Array> =>
  Object.fromEntries(Object.entries({ ...files, ...changed }).map(([name, content]) => [`${prefix}${name}`, content]));
const archive = (entries: Readonly<Record<string, Uint8Array>>): Promise<Uint8Array> =>
  tar([{ name: 'cifar-10-batches-bin/', type: 'directory' }, ...Object.entries(entries).map(([name, content]) => ({ name, content }))]);

describe("CIFAR-10's binary release", () => {
  test.each(['folder', 'folder in a folder', 'archive', 'archive in a folder'])('is read from a %s', async (kind) => {
    const place = join(folder, kind);
    if (kind === 'folder') await writeFiles(place, files);
    else if (kind === 'folder in a folder') await writeFiles(place, inFolder('cifar-10-batches-bin/'));
    else await writeFiles(place, { 'cifar-10-binary.tar.gz': gzipSync(await archive(inFolder('cifar-10-batches-bin/'))) });
    const dataDir = kind === 'archive' ? join(place, 'cifar-10-binary.tar.gz') : place;
    const { train, test: held } = await loadCifar10({ dataDir, examplesPerFile: 2 });
    expect([...train.labels, ...held.labels]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]);
    expect([...train.ids, ...held.ids]).toEqual(range(12));
    const values = await train.read([7]);
    const expected = range(PLANE).flatMap((p) => [1, 2, 3].map((k) => Math.fround(((7 + k * p) % 256) / 255)));
    expect([...values]).toEqual(expected);
  });

  test('with a wrong label is refused, naming file and byte', async () => {
    const bad = files['data_batch_2.bin']!.slice();
    bad[3073] = 10;
    const dataDir = await writeFiles(join(folder, 'label'), inFolder('', { 'data_batch_2.bin': bad }));
    const message = await expectCode('RJS_DATA_FORMAT', () => loadCifar10({ dataDir, examplesPerFile: 2 }));
    expect(message).toMatch(/at byte 3073 of .*data_batch_2\.bin/);
  });

  test('with a cut or missing file is refused', async () => {
    const cut = await writeFiles(join(folder, 'cut'), inFolder('', { 'test_batch.bin': files['test_batch.bin']!.subarray(0, 3073) }));
    expect(await expectCode('RJS_DATA_FORMAT', () => loadCifar10({ dataDir: cut, examplesPerFile: 2 }))).toMatch(/at byte 3073 of .*test_batch\.bin/);
    const { 'data_batch_3.bin': _, ...rest } = files;
    const incomplete = await writeFiles(join(folder, 'incomplete'), { 'cifar-10-binary.tar.gz': gzipSync(await archive(rest)) });
    expect(await expectCode('RJS_DATA_MISSING', () => loadCifar10({ dataDir: incomplete, examplesPerFile: 2 }))).toContain('data_batch_3.bin');
    await expectCode('RJS_DATA_MISSING', () => loadCifar10({ dataDir: join(folder, 'nowhere') }));
  });
});
