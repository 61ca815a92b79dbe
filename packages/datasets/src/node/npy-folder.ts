import { join } from 'node:path';
import { RobustError } from '@robustjs/core';
import type { Dataset, DatasetInfo, Pools } from '../dataset.ts';
import { brokenFile, mismatch } from '../errors.ts';
import { checkRange } from '../memory.ts';
import { NPY_HEADER_BYTES, type NpyHeader, npyValues, parseNpy, parseNpyHeader } from '../npy.ts';
import { datasetOf, exampleSize, type Rows } from '../rows.ts';
import { firstFile, MAX_BYTES, readAt, withFile } from './files.ts';
import { tooLarge } from '../errors.ts';

/** Where arrays are, and what they hold. */
export interface NpyFolderOptions extends Partial<Pick<DatasetInfo, 'id' | 'classNames' | 'source' | 'license' | 'note'>> {
  /** A folder with `train-images.npy` and `train-labels.npy` (or `x_train.npy` and `y_train.npy`); `test` and `validation` likewise. */
  readonly dataDir: string;
  /** Number of classes. Default: that of `classNames`, else the largest label + 1. */
  readonly classes?: number;
}

type Part = 'train' | 'validation' | 'test';

/**
 * Arrays saved by NumPy: inputs `[N, ...]`, channels last, as bytes 0 … 255 or floats in [0, 1]; labels `[N]` as integers.
 * Inputs stay in their file and are read row by row. Ids number the rows of train, then validation, then test.
 *
 * @throws RobustError `RJS_DATA_MISSING`, `RJS_DATA_FORMAT`, `RJS_DATA_NPY` for types that are not read,
 * `RJS_DATA_MISMATCH` for labels that do not fit. Reading rows throws `RJS_DATA_RANGE` for floats outside [0, 1].
 */
export async function loadNpyFolder(options: NpyFolderOptions): Promise<Pools> {
  const parts: { part: Part; file: string; header: NpyHeader; labels: Int32Array }[] = [];
  for (const part of ['train', 'validation', 'test'] as const) {
    const file = await firstFile(namesOf(part, 'images', 'x').map((name) => join(options.dataDir, name)));
    if (file === undefined) continue;
    parts.push({ part, file, header: await readHeader(file), labels: await readLabels(options.dataDir, part) });
  }
  const most = parts.reduce((top, { labels }) => labels.reduce((a, b) => Math.max(a, b), top), 0);
  const classes = options.classes ?? options.classNames?.length ?? most + 1;
  const pools: Partial<Record<Part, Dataset>> = {};
  let firstId = 0;
  for (const { part, file, header, labels } of parts) {
    const inputShape = header.shape.slice(1);
    checkShapes(parts[0]!.header.shape.slice(1), header, labels, file);
    const { id = 'npy', classNames, source, license, note } = options;
    pools[part] = datasetOf({
      id,
      split: part,
      inputShape,
      classes,
      ...(classNames !== undefined && { classNames }),
      ...(source !== undefined && { source }),
      ...(license !== undefined && { license }),
      ...(note !== undefined && { note }),
      ids: labels.map((_, row) => firstId + row),
      labels,
      rows: fileRows(file, header),
    });
    firstId += labels.length;
  }
  const { train, ...rest } = pools;
  if (train === undefined) throw missing(namesOf('train', 'images', 'x'), options.dataDir);
  return { train, ...rest };
}

const namesOf = (part: Part, long: string, short: string): string[] => [`${part}-${long}.npy`, `${short}_${part}.npy`];

function missing(names: readonly string[], folder: string): RobustError {
  return new RobustError('RJS_DATA_MISSING', { expected: `${names.join(' or ')} in ${folder}`, got: 'neither', fix: 'save the arrays under these names' });
}

async function readHeader(file: string): Promise<NpyHeader> {
  return withFile(file, async (handle, size) => {
    const header = parseNpyHeader(await readAt(handle, 0, Math.min(size, NPY_HEADER_BYTES)), file);
    if (size !== header.bytes) throw brokenFile(file, Math.min(size, header.bytes), `${header.bytes} bytes for shape [${header.shape.join(', ')}]`, size < header.bytes ? 'the end' : 'more');
    return header;
  });
}

async function readLabels(folder: string, part: Part): Promise<Int32Array> {
  const names = namesOf(part, 'labels', 'y');
  const file = await firstFile(names.map((name) => join(folder, name)));
  if (file === undefined) throw missing(names, folder);
  const header = await readHeader(file);
  if (header.bytes > MAX_BYTES) throw tooLarge(file, `at most ${MAX_BYTES} bytes`, String(header.bytes));
  const { values, shape } = parseNpy(await withFile(file, (handle, size) => readAt(handle, 0, size)), file);
  const whole = values.every((value) => Number.isInteger(value) && Math.abs(value) < 2 ** 31);
  if (shape.length !== 1 || !whole) throw mismatch(`class indices of shape [N] in ${file}`, `shape [${shape.join(', ')}]${whole ? '' : ' with other values'}`, 'save labels as integers, not one-hot');
  return Int32Array.from(values);
}

function checkShapes(inputShape: readonly number[], header: NpyHeader, labels: Int32Array, file: string): void {
  if (header.shape.length < 2 || header.shape.slice(1).join() !== inputShape.join() || header.shape[0] !== labels.length) {
    throw mismatch(`inputs of shape [${labels.length}, ${inputShape.join(', ') || '…'}] in ${file}`, `[${header.shape.join(', ')}]`, 'one label an input, one shape in all parts');
  }
  if (header.type !== 'u1' && header.type !== 'f4' && header.type !== 'f8') {
    throw new RobustError('RJS_DATA_NPY', { expected: `bytes or floats in ${file}`, got: header.type, fix: 'save pixels as uint8, or as float32 in [0, 1]' });
  }
}

function fileRows(file: string, header: NpyHeader): Rows {
  const size = exampleSize(header.shape.slice(1));
  const rowBytes = (header.bytes - header.offset) / (header.shape[0] || 1);
  const rawRows = (indices: ArrayLike<number>): Promise<Uint8Array[]> =>
    withFile(file, async (handle) => {
      const rows: Uint8Array[] = [];
      for (const index of Array.from(indices)) {
        const offset = header.offset + index * rowBytes;
        const row = await readAt(handle, offset, rowBytes);
        if (row.length !== rowBytes) throw brokenFile(file, offset + row.length, `row ${index}`, 'the end');
        rows.push(row);
      }
      return rows;
    });
  return {
    async read(indices) {
      const values = new Float32Array(indices.length * size);
      (await rawRows(indices)).forEach((row, i) => {
        const stored = npyValues(row, header, file);
        const part = values.subarray(i * size, (i + 1) * size);
        part.set(stored);
        if (header.type === 'u1') part.forEach((value, k) => (part[k] = value / 255));
        else checkRange(part, `row ${indices[i]!} of ${file}`);
      });
      return values;
    },
    raw: async (index) => (await rawRows([index]))[0]!,
  };
}
