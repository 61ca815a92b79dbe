import { RobustError } from '@robustjs/core';
import { contentHash } from './content-hash.ts';
import type { Dataset, DatasetInfo, Split } from './dataset.ts';
import { mismatch } from './errors.ts';

/** Where the examples of a data set are held. Positions handed in have been checked. */
export interface Rows {
  /** The values of these rows, in [0, 1]. */
  read(indices: Int32Array): Promise<Float32Array>;
  /** The stored bytes of one row. */
  raw(index: number): Promise<Uint8Array>;
}

/** What {@link datasetOf} makes a data set of. */
export interface DatasetParts extends DatasetInfo {
  /** One unique id an example. */
  readonly ids: Int32Array;
  /** One class index an example. */
  readonly labels: Int32Array;
  /** How examples are read. */
  readonly rows: Rows;
}

/** Number of values in one example. */
export const exampleSize = (inputShape: readonly number[]): number => inputShape.reduce((size, length) => size * length, 1);

/**
 * A data set over any storage: give it ids, labels and a way to read rows.
 *
 * @throws RobustError `RJS_DATA_MISMATCH` when ids, labels and class names do not fit each other.
 */
export function datasetOf({ rows, ids, labels, ...info }: DatasetParts): Dataset {
  checkLabels(info, ids, labels);
  let hash: Promise<string> | undefined;
  const dataset: Dataset = {
    ...info,
    size: ids.length,
    ids,
    labels,
    read: async (indices) => rows.read(checkIndices(indices, ids.length)),
    raw: async (index) => rows.raw(checkIndices([index], ids.length)[0]!),
    hash: () => (hash ??= contentHash(dataset)),
  };
  return dataset;
}

/** The examples of a data set at some positions, in that order; they keep their ids. */
export function subset(dataset: Dataset, indices: ArrayLike<number>, split: Split = dataset.split): Dataset {
  const places = checkIndices(indices, dataset.size);
  return datasetOf({
    ...dataset,
    split,
    ids: places.map((place) => dataset.ids[place]!),
    labels: places.map((place) => dataset.labels[place]!),
    rows: {
      read: (wanted) => dataset.read(wanted.map((row) => places[row]!)),
      raw: (row) => dataset.raw(places[row]!),
    },
  });
}

function checkIndices(indices: ArrayLike<number>, size: number): Int32Array {
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i]!;
    if (!Number.isInteger(index) || index < 0 || index >= size) {
      throw new RobustError('RJS_DATA_INDEX', {
        expected: `positions in 0 … ${size - 1}`,
        got: String(index),
        fix: 'pass positions in this data set; ids are something else',
      });
    }
  }
  return Int32Array.from(indices);
}

function checkLabels(info: DatasetInfo, ids: Int32Array, labels: Int32Array): void {
  if (ids.length !== labels.length) {
    throw mismatch('one label and one id an example', `${labels.length} labels and ${ids.length} ids`, 'check the files of images and labels against each other');
  }
  if (!Number.isInteger(info.classes) || info.classes < 1 || (info.classNames !== undefined && info.classNames.length !== info.classes)) {
    throw mismatch('as many class names as classes', `${info.classNames?.length ?? 0} names for ${info.classes} classes`, 'name every class, or none');
  }
  const wrong = labels.findIndex((label) => label < 0 || label >= info.classes);
  if (wrong >= 0) {
    throw mismatch(`labels in 0 … ${info.classes - 1}`, `${labels[wrong]!} at position ${wrong}`, 'labels are class indices that start at 0');
  }
  if (new Set(ids).size !== ids.length) {
    throw mismatch('a different id for every example', 'an id that occurs twice', 'number the examples');
  }
}
