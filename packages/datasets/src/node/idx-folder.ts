import { join } from 'node:path';
import { RobustError } from '@robustjs/core';
import type { Dataset, DatasetInfo, Pools } from '../dataset.ts';
import { mismatch } from '../errors.ts';
import { IDX_HEADER_BYTES, parseIdx, parseIdxHeader } from '../idx.ts';
import { memoryDataset } from '../memory.ts';
import { firstFile, readDeclared } from './files.ts';

/** The names of the files of MNIST and its successors, gzipped or not. */
export const IDX_FILES = {
  train: ['train-images-idx3-ubyte', 'train-labels-idx1-ubyte'],
  test: ['t10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte'],
} as const;

const DIGITS: Info = {
  id: 'mnist-full',
  classNames: Array.from({ length: 10 }, (_, digit) => String(digit)),
  source: 'MNIST by LeCun, Cortes and Burges',
};

const FASHION: Info = {
  id: 'fashion-mnist',
  classNames: ['T-shirt/top', 'Trouser', 'Pullover', 'Dress', 'Coat', 'Sandal', 'Shirt', 'Sneaker', 'Bag', 'Ankle boot'],
  source: 'Fashion-MNIST by Xiao, Rasul and Vollgraf (Zalando Research)',
  license: 'MIT',
};

type Info = Pick<DatasetInfo, 'id' | 'classNames' | 'source' | 'license'>;

/**
 * All 70,000 digits of MNIST from its four IDX files, gzipped or not. Ids: position in the training file, then 60,000 +
 * position in the test file.
 *
 * @throws RobustError `RJS_DATA_MISSING`, `RJS_DATA_FORMAT`, `RJS_DATA_MISMATCH` or `RJS_DATA_LIMIT`.
 */
export async function loadMnist(options: { readonly dataDir: string }): Promise<Pools & { readonly test: Dataset }> {
  return loadIdxFolder(options.dataDir, DIGITS);
}

/**
 * All 70,000 images of Fashion-MNIST from its four IDX files, gzipped or not; ids as for {@link loadMnist}.
 *
 * @throws RobustError `RJS_DATA_MISSING`, `RJS_DATA_FORMAT`, `RJS_DATA_MISMATCH` or `RJS_DATA_LIMIT`.
 */
export async function loadFashionMnist(options: { readonly dataDir: string }): Promise<Pools & { readonly test: Dataset }> {
  return loadIdxFolder(options.dataDir, FASHION);
}

async function loadIdxFolder(folder: string, info: Info): Promise<Pools & { readonly test: Dataset }> {
  const train = await loadPair(folder, 'train', info, 0);
  return { train, test: await loadPair(folder, 'test', info, train.size) };
}

async function loadPair(folder: string, split: 'train' | 'test', info: Info, firstId: number): Promise<Dataset> {
  const [imageFile, labelFile] = await Promise.all(IDX_FILES[split].map((name) => locate(folder, name)));
  const [images, labels] = [await readIdx(imageFile!), await readIdx(labelFile!)];
  const [count = 0, height = 0, width = 0] = images.shape;
  if (images.shape.length !== 3 || labels.shape.length !== 1) {
    throw mismatch('images of 3 axes and labels of 1', `${images.shape.length} in ${imageFile!} and ${labels.shape.length} in ${labelFile!}`, 'check the names of the files');
  }
  if (labels.shape[0] !== count) {
    throw mismatch(`${count} labels, as there are images in ${imageFile!}`, `${labels.shape[0]!} in ${labelFile!}`, 'take both files from the same release');
  }
  return memoryDataset({ ...info, split, inputShape: [height, width, 1], classes: 10, images: images.values, labels: labels.values, firstId });
}

async function locate(folder: string, name: string): Promise<string> {
  const found = await firstFile([join(folder, `${name}.gz`), join(folder, name)]);
  if (found !== undefined) return found;
  throw new RobustError('RJS_DATA_MISSING', { expected: `${name} or ${name}.gz in ${folder}`, got: 'neither', fix: 'put the four IDX files there' });
}

async function readIdx(file: string): Promise<ReturnType<typeof parseIdx>> {
  const bytes = await readDeclared(file, { headBytes: IDX_HEADER_BYTES, total: (head) => parseIdxHeader(head, file).bytes });
  return parseIdx(bytes, file);
}
