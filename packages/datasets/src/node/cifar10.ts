import { join } from 'node:path';
import { RobustError } from '@robustjs/core';
import { CIFAR10_CLASSES, CIFAR10_RECORD_BYTES, CIFAR10_SHAPE, parseCifar10Labels } from '../cifar.ts';
import type { Dataset, Pools } from '../dataset.ts';
import { brokenFile } from '../errors.ts';
import { byteRows } from '../memory.ts';
import { datasetOf } from '../rows.ts';
import { readArchive } from './archive.ts';
import { firstFile, kindOf, readDeclared } from './files.ts';

/** Where CIFAR-10's binary release is. */
export interface Cifar10Options {
  /** The folder of the `.bin` files, one that holds it or `cifar-10-binary.tar.gz`, or that archive itself. */
  readonly dataDir: string;
  /** Examples in each of the six files. Default 10,000, as in the release; another number is for cut-down copies. */
  readonly examplesPerFile?: number;
}

const FILES = { train: [1, 2, 3, 4, 5].map((batch) => `data_batch_${batch}.bin`), test: ['test_batch.bin'] };
const FOLDER = 'cifar-10-batches-bin';
/** The name of the release's archive. */
export const CIFAR10_ARCHIVE = 'cifar-10-binary.tar.gz';

/**
 * CIFAR-10 from its binary release. Ids: position in the five training files, in their order, then on through the test
 * file.
 *
 * @returns `train` (50,000) and `test` (10,000), `[32, 32, 3]`.
 * @throws RobustError `RJS_DATA_MISSING`, `RJS_DATA_FORMAT`, `RJS_DATA_PATH` or `RJS_DATA_LIMIT`.
 */
export async function loadCifar10({ dataDir, examplesPerFile = 10_000 }: Cifar10Options): Promise<Pools & { readonly test: Dataset }> {
  const bytes = examplesPerFile * CIFAR10_RECORD_BYTES;
  const read = await readerOf(dataDir, bytes);
  const train = await loadPart('train', read, bytes, 0);
  return { train, test: await loadPart('test', read, bytes, train.size) };
}

type Reader = (name: string) => Promise<{ file: string; content: Uint8Array }>;

async function readerOf(dataDir: string, bytes: number): Promise<Reader> {
  const kind = await kindOf(dataDir);
  const unpacked = await firstFile([join(dataDir, FILES.test[0]!), join(dataDir, FOLDER, FILES.test[0]!)]);
  if (kind === 'folder' && unpacked !== undefined) {
    return async (name) => {
      const file = join(unpacked, '..', name);
      return { file, content: await readDeclared(file, { headBytes: 1, total: () => bytes }) };
    };
  }
  const archive = kind === 'file' ? dataDir : await firstFile([join(dataDir, CIFAR10_ARCHIVE)]);
  if (archive === undefined) throw missing(`${FOLDER} or ${CIFAR10_ARCHIVE} in ${dataDir}`);
  const wanted = [...FILES.train, ...FILES.test];
  const found = await readArchive(archive, { wants: (path) => wanted.includes(baseName(path)) });
  const byName = new Map(Array.from(found, ([path, content]) => [baseName(path), content]));
  return async (name) => {
    const content = byName.get(name);
    if (content === undefined) throw missing(`${name} in ${archive}`);
    return { file: `${archive}/${name}`, content };
  };
}

const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

async function loadPart(split: 'train' | 'test', read: Reader, bytes: number, firstId: number): Promise<Dataset> {
  const names = FILES[split];
  const all = new Uint8Array(names.length * bytes);
  const labels = new Int32Array(all.length / CIFAR10_RECORD_BYTES);
  for (const [i, name] of names.entries()) {
    const { file, content } = await read(name);
    if (content.length !== bytes) throw brokenFile(file, Math.min(bytes, content.length), `${bytes} bytes`, `${content.length} bytes; they part`);
    labels.set(parseCifar10Labels(content, file), (i * bytes) / CIFAR10_RECORD_BYTES);
    all.set(content, i * bytes);
  }
  return datasetOf({
    id: 'cifar10',
    split,
    inputShape: CIFAR10_SHAPE,
    classes: CIFAR10_CLASSES.length,
    classNames: CIFAR10_CLASSES,
    source: 'CIFAR-10 by Krizhevsky, binary release',
    ids: labels.map((_, row) => firstId + row),
    labels,
    rows: byteRows(all, { size: CIFAR10_RECORD_BYTES - 1, stride: CIFAR10_RECORD_BYTES, offset: 1, planes: 3 }),
  });
}

function missing(expected: string): RobustError {
  return new RobustError('RJS_DATA_MISSING', { expected, got: 'no such file', fix: 'download the binary version of CIFAR-10, or let openDataset do it' });
}
