import { join } from 'node:path';
import { RobustError } from '@robustjs/core';
import type { Dataset, Pools } from '../dataset.ts';
import { split } from '../split.ts';
import { CIFAR10_ARCHIVE, loadCifar10 } from './cifar10.ts';
import { download, type DownloadOptions } from './download.ts';
import { firstFile, kindOf } from './files.ts';
import { IDX_FILES, loadFashionMnist, loadMnist } from './idx-folder.ts';
import { type ImageFolderOptions, loadImageFolder } from './image-folder.ts';
import { cacheFolder, placesOf } from './locate.ts';
import { loadMnistDigits } from './mnist-digits.ts';
import { loadNpyFolder } from './npy-folder.ts';
import { loadOmniglot, OMNIGLOT_FILES } from './omniglot.ts';
import { RELEASES } from './releases.ts';

/** The data sets that {@link openDataset} knows. */
export const DATASET_IDS = ['mnist', 'mnist-full', 'fashion-mnist', 'cifar10', 'cifar10-jpeg', 'omniglot', 'image-folder', 'npy'] as const;

/** One of {@link DATASET_IDS}. */
export type DatasetId = (typeof DATASET_IDS)[number];

/** What {@link openDataset} opens. */
export interface OpenDatasetOptions extends Pick<ImageFolderOptions, 'inputShape' | 'resize'>, Pick<DownloadOptions, 'onProgress' | 'signal'> {
  readonly id: DatasetId;
  /** Folder that holds the data set itself, or folders named after data sets. Default: the variable `ROBUSTJS_DATA`. */
  readonly dataDir?: string;
  /** Folder of downloads. Default: `robustjs/datasets` in the user's cache folder. */
  readonly cacheDir?: string;
  /** Whether to download what is not here. Default true. */
  readonly download?: boolean;
  /** Address of a folder to download from instead of the publishers': the names and hashes of {@link RELEASES} hold. */
  readonly mirror?: string;
  /** Examples to split off `train` where there is no official validation set. Default: 10 % of both, at most 5,000. */
  readonly validation?: number;
  /** Examples to split off `train` where there is no official test set. Default: 10 %. */
  readonly test?: number;
  /** Seed of the parts that are split off. Default 0, which everyone shares. */
  readonly seed?: number;
}

/** The three parts that a benchmark needs. */
export interface BenchmarkParts {
  readonly train: Dataset;
  readonly validation: Dataset;
  readonly test: Dataset;
}

/**
 * Opens a data set from the folder given, the folder in `ROBUSTJS_DATA`, where the system keeps it, or the cache; else
 * downloads it. `mnist` is the 10,000 digits that come with this package and needs none of these. Missing parts are split
 * off `train`, stratified: the test part first, then the validation part.
 *
 * @throws RobustError `RJS_DATA_ID` for an unknown id, `RJS_DATA_MISSING` where the data are not found, and the errors of
 * the loaders and of {@link download}.
 */
export async function openDataset(options: OpenDatasetOptions): Promise<BenchmarkParts> {
  const { train, validation, test } = await loadPools(options);
  const { seed = 0 } = options;
  const carve = (pool: Dataset, name: 'test' | 'validation', count: number): { rest: Dataset; part: Dataset } => {
    const parts = split(pool, { parts: { [name]: count, train: Math.max(0, pool.size - count) }, seed });
    return { rest: parts['train']!, part: parts[name]! };
  };
  const outer = test === undefined ? carve(train, 'test', options.test ?? Math.floor(train.size / 10)) : { rest: train, part: test };
  const inner =
    validation === undefined
      ? carve(outer.rest, 'validation', options.validation ?? Math.min(5000, Math.floor((outer.rest.size + outer.part.size) / 10)))
      : { rest: outer.rest, part: validation };
  return { train: inner.rest, validation: inner.part, test: outer.part };
}

async function loadPools(options: OpenDatasetOptions): Promise<Pools> {
  switch (options.id) {
    case 'mnist':
      return loadMnistDigits();
    case 'mnist-full':
      return loadMnist({ dataDir: await releaseFolder(options.id, options, hasIdx) });
    case 'fashion-mnist':
      return loadFashionMnist({ dataDir: await releaseFolder(options.id, options, hasIdx) });
    case 'cifar10':
      return loadCifar10({ dataDir: await releaseFolder(options.id, options, hasCifar10) });
    case 'cifar10-jpeg':
      return loadCifar10Jpeg(options);
    case 'omniglot':
      return loadOmniglot({ dataDir: await releaseFolder(options.id, options, hasOmniglot) });
    case 'image-folder':
      return loadImageFolder({ ...imageOptions(options), dataDir: needed(options) });
    case 'npy':
      return loadNpyFolder({ dataDir: needed(options) });
    default:
      throw new RobustError('RJS_DATA_ID', { expected: `a data set among ${DATASET_IDS.join(', ')}`, got: JSON.stringify(options.id), fix: 'use one of these, or load your own with image-folder or npy' });
  }
}

const imageOptions = ({ inputShape, resize }: OpenDatasetOptions): Pick<ImageFolderOptions, 'inputShape' | 'resize'> => ({
  ...(inputShape !== undefined && { inputShape }),
  ...(resize !== undefined && { resize }),
});

function needed({ id, dataDir }: OpenDatasetOptions): string {
  if (dataDir !== undefined) return dataDir;
  throw new RobustError('RJS_DATA_MISSING', { expected: `dataDir for ${id}`, got: 'none', fix: 'say where your data are' });
}

const hasIdx = async (folder: string): Promise<boolean> => {
  const [name] = IDX_FILES.train;
  return (await firstFile([join(folder, name), join(folder, `${name}.gz`)])) !== undefined;
};

const hasCifar10 = async (place: string): Promise<boolean> =>
  (await firstFile([join(place, 'test_batch.bin'), join(place, 'cifar-10-batches-bin', 'test_batch.bin'), join(place, CIFAR10_ARCHIVE)])) !== undefined;

const hasOmniglot = async (folder: string): Promise<boolean> => (await firstFile([join(folder, OMNIGLOT_FILES[0]!)])) !== undefined;

type ReleaseId = keyof typeof RELEASES;

async function releaseFolder(id: ReleaseId, options: OpenDatasetOptions, has: (folder: string) => Promise<boolean>): Promise<string> {
  const cache = cacheFolder(id, options);
  const places = placesOf(id, options);
  for (const place of places.filter((folder) => folder !== cache)) if (await has(place)) return place;
  const complete = (await Promise.all(RELEASES[id].map(({ name }) => kindOf(join(cache, name))))).every((kind) => kind === 'file');
  if (complete) return cache;
  if (options.download === false) throw notFound(id, places, 'allow the download, or say with dataDir or ROBUSTJS_DATA where the files are');
  for (const { name, url, bytes, sha256 } of RELEASES[id]) {
    const { mirror, onProgress, signal } = options;
    const from = mirror === undefined ? url : `${mirror.replace(/\/$/, '')}/${name}`;
    await download({ name, url: from, bytes, sha256, cacheDir: cache, ...(onProgress && { onProgress }), ...(signal && { signal }) });
  }
  return cache;
}

const JPEG_ARCHIVE = 'cifar10-jpeg.tar.gz';

async function loadCifar10Jpeg(options: OpenDatasetOptions): Promise<Pools> {
  const places = placesOf('cifar10-jpeg', options);
  const archive = await firstFile(places.map((place) => join(place, JPEG_ARCHIVE)));
  const named = archive === undefined && (await kindOf(join(places[0]!, 'train'))) === 'folder' ? places[0] : undefined;
  const dataDir = archive ?? named;
  if (dataDir === undefined) throw notFound('cifar10-jpeg', places, `put ${JPEG_ARCHIVE}, or its train/ and test/, into one of these`);
  return loadImageFolder({
    ...imageOptions(options),
    dataDir,
    id: 'cifar10-jpeg',
    source: 'CIFAR-10 by Krizhevsky; JPEG files by YoongiKim (CIFAR-10-images)',
    note: 'JPEG re-encoding of CIFAR-10: pixels differ slightly from the binary release',
  });
}

function notFound(id: string, places: readonly string[], fix: string): RobustError {
  return new RobustError('RJS_DATA_MISSING', { expected: `the files of ${id} in ${places.join(' or ')}`, got: 'none of them', fix });
}
