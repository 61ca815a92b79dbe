import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { strToU8, zipSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import { loadOmniglot, openDataset, splitClasses } from '../src/index.ts';
import { expectCode, png, temporaryFolder, writeFiles } from './fixtures.ts';

const folder = await temporaryFolder();

/** White paper, 105 x 105, with a black square at a place; after scaling 105 to 28 a square of 30 pixels is 8. */
async function drawing(left: number): Promise<Uint8Array> {
  const pixels = new Uint8Array(105 * 105).fill(255);
  for (let y = 30; y < 60; y++) for (let x = left; x < left + 30; x++) pixels[y * 105 + x] = 0;
  return png(pixels, 105, 105, 1);
}

const archives = async (first: Readonly<Record<string, Uint8Array>>, second: Readonly<Record<string, Uint8Array>>) => ({
  'images_background_small1.zip': zipSync(first),
  'images_background_small2.zip': zipSync(second),
});

describe('Omniglot', () => {
  test('classes are characters of both archives; strokes are 1 on 0', async () => {
    const [left, right] = [await drawing(0), await drawing(75)];
    const place = await writeFiles(join(folder, 'two'), await archives(
      { 'small1/Greek/character02/0002_01.png': left, 'small1/Greek/character01/0001_02.png': right, 'small1/readme.txt': strToU8('no drawing') },
      { 'small2/Balinese/character01/0101_01.png': left },
    ));
    const { train } = await loadOmniglot({ dataDir: place });
    expect(train).toMatchObject({ id: 'omniglot', size: 3, classes: 3, inputShape: [28, 28, 1], classNames: ['Balinese/character01', 'Greek/character01', 'Greek/character02'] });
    expect([...train.labels]).toEqual([0, 1, 2]);
    const [a, b] = [await train.read([0]), await train.read([1])];
    // Rows 8 to 16 hold the square: on the left of one drawing, on the right of the other.
    const at = (values: Float32Array, y: number, x: number): number => values[y * 28 + x]!;
    expect([at(a, 11, 3), at(a, 11, 24), at(b, 11, 3), at(b, 11, 24), at(a, 24, 3)].map((value) => Math.round(value))).toEqual([1, 0, 0, 1, 0]);
  });

  test('a broken, unsafe or foreign archive is refused', async () => {
    const fine = await archives({ 'a/Greek/character01/0001_01.png': await drawing(0) }, { 'b/Latin/character01/0001_01.png': await drawing(0) });
    const first = 'images_background_small1.zip';
    const withFirst = (name: string, content: Uint8Array) => writeFiles(join(folder, name), { ...fine, [first]: content });
    await expectCode('RJS_DATA_MISSING', () => loadOmniglot({ dataDir: join(folder, 'nowhere') }));
    await expectCode('RJS_DATA_FORMAT', async () => loadOmniglot({ dataDir: await withFirst('cut', fine[first].slice(0, 40)) }));
    await expectCode('RJS_DATA_PATH', async () => loadOmniglot({ dataDir: await withFirst('climbs', zipSync({ '../Greek/character01/0001_01.png': strToU8('x') })) }));
    const empty = await writeFiles(join(folder, 'empty'), await archives({ 'a.txt': strToU8('a') }, { 'b.txt': strToU8('b') }));
    await expectCode('RJS_DATA_LAYOUT', () => loadOmniglot({ dataDir: empty }));
  });

  const shared = join(import.meta.dirname, '../../../../shared/data');
  test.skipIf(!existsSync(join(shared, 'omniglot')))('the release in shared data: eight alphabets, 20 drawings of each character, disjoint parts', async () => {
    const { train, validation, test: held } = await openDataset({ id: 'omniglot', dataDir: shared, download: false });
    expect(train.size + validation.size + held.size).toBe(train.classes * 20);
    const { train: all } = await loadOmniglot({ dataDir: join(shared, 'omniglot') });
    expect(new Set(all.classNames!.map((name) => name.split('/')[0])).size).toBe(8);
    expect(all.classes).toBe(242);
    const parts = splitClasses(all, { train: [0, 1, 2], test: [3, 4] });
    expect([parts.train.size, parts.test.size]).toEqual([60, 40]);
    const values = await parts.train.read([0, 1, 2]);
    // Ink covers a little of the paper.
    const ink = values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(ink).toBeGreaterThan(0.02);
    expect(ink).toBeLessThan(0.3);
  });
});
