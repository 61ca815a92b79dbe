import { RobustError } from '@robustjs/core';
import type { Dataset, DatasetInfo } from './dataset.ts';
import { mismatch } from './errors.ts';
import { datasetOf, exampleSize, type Rows } from './rows.ts';

/** Images and labels that are in memory already. */
export interface MemoryDatasetOptions extends DatasetInfo {
  /** All examples, one after another: bytes 0 … 255, or floats in [0, 1]. They are not copied. */
  readonly images: Uint8Array | Float32Array;
  /** One class index an example. */
  readonly labels: ArrayLike<number>;
  /** One unique id an example. Default: `firstId`, `firstId + 1`, … */
  readonly ids?: Int32Array;
  /** Default 0. */
  readonly firstId?: number;
}

/**
 * A data set over arrays in memory; works in browsers too.
 *
 * @throws RobustError `RJS_DATA_MISMATCH` when the arrays do not fit each other, `RJS_DATA_RANGE` for floats outside [0, 1].
 */
export function memoryDataset({ images, labels, ids, firstId = 0, ...info }: MemoryDatasetOptions): Dataset {
  const size = exampleSize(info.inputShape);
  if (images.length !== labels.length * size) {
    throw mismatch(`${labels.length} examples of ${size} values`, `${images.length} values`, 'check inputShape, and images against labels');
  }
  if (images instanceof Float32Array) checkRange(images, 'the images');
  return datasetOf({
    ...info,
    ids: ids ?? Int32Array.from(labels, (_, row) => firstId + row),
    labels: Int32Array.from(labels),
    rows: images instanceof Float32Array ? floatRows(images, size) : byteRows(images, { size }),
  });
}

/** Where an example's bytes lie among those of its set. */
export interface ByteLayout {
  /** Bytes in an example. */
  readonly size: number;
  /** Bytes from one example to the next. Default: `size`. */
  readonly stride?: number;
  /** Bytes before the first example. Default 0. */
  readonly offset?: number;
  /** Above 1: the bytes come plane by plane, so many planes, and are read channels last. Default 1. */
  readonly planes?: number;
}

/** Rows of bytes 0 … 255. */
export function byteRows(bytes: Uint8Array, { size, stride = size, offset = 0, planes = 1 }: ByteLayout): Rows {
  const pixels = size / planes;
  const at = (row: number): Uint8Array => bytes.subarray(offset + row * stride, offset + row * stride + size);
  return {
    async read(indices) {
      const values = new Float32Array(indices.length * size);
      let next = 0;
      for (const row of indices) {
        const stored = at(row);
        for (let pixel = 0; pixel < pixels; pixel++) {
          for (let plane = 0; plane < planes; plane++) values[next++] = stored[plane * pixels + pixel]! / 255;
        }
      }
      return values;
    },
    raw: async (row) => at(row),
  };
}

function floatRows(values: Float32Array, size: number): Rows {
  return {
    async read(indices) {
      const rows = new Float32Array(indices.length * size);
      indices.forEach((row, i) => rows.set(values.subarray(row * size, (row + 1) * size), i * size));
      return rows;
    },
    raw: async (row) => new Uint8Array(values.buffer, values.byteOffset + row * size * 4, size * 4),
  };
}

/**
 * Checks that values lie in [0, 1].
 *
 * @throws RobustError `RJS_DATA_RANGE` naming the first that does not.
 */
export function checkRange(values: Float32Array, where: string): void {
  // A comparison with NaN is false, so what is not finite counts as outside.
  const wrong = values.findIndex((value) => !(value >= 0 && value <= 1));
  if (wrong < 0) return;
  throw new RobustError('RJS_DATA_RANGE', {
    expected: `values in [0, 1] in ${where}`,
    got: `${values[wrong]!} at position ${wrong}`,
    fix: 'scale the values before you store them, or store bytes 0 … 255',
  });
}
