import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { RobustError } from '@robustjs/core';
import type { Dataset, DatasetInfo, Pools } from '../dataset.ts';
import { tooLarge } from '../errors.ts';
import { imageLayout, type ImagePlace, isImagePath } from '../image-layout.ts';
import { datasetOf, exampleSize } from '../rows.ts';
import { readArchive } from './archive.ts';
import { decodeImage, imageShape, type ImageShape, loadDecoder } from './decode.ts';
import { kindOf, MAX_BYTES, unreadable } from './files.ts';
import { imageRows, type ImageSource } from './image-rows.ts';

/** Where images are, and how they are read. */
export interface ImageFolderOptions extends Partial<Pick<DatasetInfo, 'id' | 'source' | 'license' | 'note'>> {
  /** A folder with `CLASS/*.jpg` or `train/CLASS/*.jpg`, or such a folder as `.tar` or `.tar.gz`. */
  readonly dataDir: string;
  /** Height, width, and channels (1: grey, 3: colour). Default: those of the first image. */
  readonly inputShape?: ImageShape;
  /** Scales images of other sizes, without keeping proportions. Default false: they are an error. */
  readonly resize?: boolean;
  /** Decoded pixels of a pool are kept when all of them fit in this many bytes. Default 256 MiB; 0 decodes every time. */
  readonly keepDecoded?: number;
  /** Most bytes of encoded images to hold when reading an archive. Default 2 GiB. */
  readonly maxBytes?: number;
}

/**
 * Images in folders by class, decoded when they are read. Classes are the folders' names in alphabetical order; an id is
 * the rank of an image's path among all paths, so a folder and its archive have the same ids.
 *
 * @throws RobustError `RJS_DATA_MISSING`, `RJS_DATA_LAYOUT` for another layout, `RJS_DATA_DECODER` without sharp,
 * `RJS_DATA_FORMAT` and `RJS_DATA_PATH` for an archive that is broken or unsafe.
 */
export async function loadImageFolder(options: ImageFolderOptions): Promise<Pools> {
  const { dataDir } = options;
  const sharp = await loadDecoder();
  const source = (await kindOf(dataDir)) === 'file' ? await archiveSource(dataDir, options.maxBytes) : await folderSource(dataDir);
  const places = imageLayout(source.paths, dataDir);
  const classNames = [...new Set(places.map((place) => place.className))].sort();
  const first = places[0]!.path;
  const inputShape = options.inputShape ?? (await imageShape(sharp, await source.read(first), join(dataDir, first)));
  const read = async (path: string): Promise<Uint8Array> =>
    decodeImage(sharp, await source.read(path), join(dataDir, path), inputShape, options.resize ?? false);
  const pool = (split: Dataset['split'], wanted: ImagePlace['split']): Dataset | undefined => {
    const members = places.flatMap((place, id) => (place.split === wanted ? [{ ...place, id }] : []));
    if (members.length === 0) return undefined;
    const { id = 'image-folder', source: origin, license, note } = options;
    return datasetOf({
      id,
      split,
      inputShape,
      classes: classNames.length,
      classNames,
      ...(origin !== undefined && { source: origin }),
      ...(license !== undefined && { license }),
      ...(note !== undefined && { note }),
      ids: Int32Array.from(members, (member) => member.id),
      labels: Int32Array.from(members, (member) => classNames.indexOf(member.className)),
      rows: imageRows(members.map((member) => member.path), { source, decode: read, size: exampleSize(inputShape), keepDecoded: options.keepDecoded ?? 2 ** 28 }),
    });
  };
  const train = pool('train', 'train') ?? pool('all', undefined);
  const validation = pool('validation', 'validation');
  const test = pool('test', 'test');
  if (train === undefined) {
    throw new RobustError('RJS_DATA_LAYOUT', { expected: `images in train/ of ${dataDir}`, got: 'none', fix: 'put training images into train/CLASS/' });
  }
  return { train, ...(validation && { validation }), ...(test && { test }) };
}

async function folderSource(folder: string): Promise<ImageSource> {
  const names = await readdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw unreadable(folder, cause);
  });
  const read = async (path: string): Promise<Uint8Array> => {
    const file = join(folder, path);
    const size = (await stat(file).catch(() => undefined))?.size ?? 0;
    if (size > MAX_BYTES) throw tooLarge(file, `at most ${MAX_BYTES} bytes`, String(size));
    return readFile(file).catch((cause: unknown) => {
      throw unreadable(file, cause);
    });
  };
  return { paths: names.map((name) => name.replaceAll('\\', '/')).filter(isImagePath), read };
}

async function archiveSource(archive: string, maxBytes: number | undefined): Promise<ImageSource> {
  const files = await readArchive(archive, { wants: isImagePath, ...(maxBytes !== undefined && { maxBytes }) });
  return { paths: [...files.keys()], read: async (path) => files.get(path)! };
}
