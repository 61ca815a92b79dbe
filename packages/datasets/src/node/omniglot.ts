import { join } from 'node:path';
import { RobustError } from '@robustjs/core';
import type { Dataset, Pools } from '../dataset.ts';
import { datasetOf } from '../rows.ts';
import { decodeImage, type ImageShape, loadDecoder } from './decode.ts';
import { imageRows } from './image-rows.ts';
import { readZip } from './zip.ts';

/** Where Omniglot is. */
export interface OmniglotOptions {
  /** The folder of `images_background_small1.zip` and `images_background_small2.zip`. */
  readonly dataDir: string;
}

/** The two archives of five alphabets each that the release calls minimal splits; two alphabets stand in both. */
export const OMNIGLOT_FILES: readonly string[] = ['images_background_small1.zip', 'images_background_small2.zip'];

const SHAPE: ImageShape = [28, 28, 1];
const MAX_BYTES = 2 ** 26;
// Below the root: ALPHABET/characterNN/NNNN_MM.png
const DRAWING = /^[^/]+\/[^/]+\/character\d+\/\d+_\d+\.png$/;

/**
 * Omniglot (Lake, Salakhutdinov, Tenenbaum, Science 2015): handwritten characters of eight alphabets, 20 drawings of each. A class is a
 * character. Drawings are scaled to 28 x 28 and inverted, strokes 1 on 0. Ids: rank of a drawing's path among all.
 *
 * @returns all of it as `train`: parts with disjoint characters are made by `splitClasses`.
 * @throws RobustError `RJS_DATA_MISSING`, `RJS_DATA_FORMAT`, `RJS_DATA_PATH`, `RJS_DATA_LIMIT`, `RJS_DATA_DECODER` without sharp.
 */
export async function loadOmniglot({ dataDir }: OmniglotOptions): Promise<Pools> {
  const sharp = await loadDecoder();
  const archives = await Promise.all(OMNIGLOT_FILES.map((name) => readZip(join(dataDir, name), (path) => DRAWING.test(path), MAX_BYTES)));
  // Greek and Latin stand in both archives. A path begins with the archive's name, which says nothing.
  const drawings = new Map(archives.flatMap((files) => Array.from(files, ([path, bytes]) => [path.slice(path.indexOf('/') + 1), bytes] as const)));
  const paths = [...drawings.keys()].sort();
  const classNames = [...new Set(paths.map(characterOf))];
  if (classNames.length < 2) {
    throw new RobustError('RJS_DATA_LAYOUT', { expected: `drawings as ALPHABET/characterNN/NNNN_MM.png in the archives in ${dataDir}`, got: `${classNames.length} characters`, fix: 'take the archives of the Omniglot release, unchanged' });
  }
  const read = async (path: string): Promise<Uint8Array> => drawings.get(path)!;
  const decode = async (path: string): Promise<Uint8Array> => (await decodeImage(sharp, drawings.get(path)!, join(dataDir, path), SHAPE, true)).map((value) => 255 - value);
  const labels = new Map(classNames.map((name, label) => [name, label]));
  const train: Dataset = datasetOf({
    id: 'omniglot',
    split: 'all',
    inputShape: SHAPE,
    classes: classNames.length,
    classNames,
    source: 'Omniglot by Lake, Salakhutdinov and Tenenbaum, minimal splits of the background set',
    license: 'MIT',
    note: 'eight alphabets of fifty; 105 x 105 scaled to 28 x 28, strokes 1 on 0',
    ids: Int32Array.from(paths, (_, id) => id),
    labels: Int32Array.from(paths, (path) => labels.get(characterOf(path))!),
    rows: imageRows(paths, { source: { read }, decode, size: SHAPE[0] * SHAPE[1], keepDecoded: 2 ** 28 }),
  });
  return { train };
}

const characterOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));
