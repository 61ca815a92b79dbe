import { type Batch, randomStream, RobustError, throwIfAborted } from '@robustjs/core';
import { tensor, tensor1d } from '@tensorflow/tfjs-core';
import type { Dataset } from './dataset.ts';
import { randomOrder } from './order.ts';

/** How a data set is cut into batches. */
export interface BatchOptions {
  /** Examples in a batch; the last may be smaller. */
  readonly batchSize: number;
  /** Default false; true leaves out a last batch that is smaller. */
  readonly dropLast?: boolean;
  /** Index of the first batch to give, to go on where another run stopped. Default 0. */
  readonly start?: number;
  /** Stops between batches. */
  readonly signal?: AbortSignal;
}

/** How a data set is shuffled and cut into batches. */
export interface ShuffleOptions extends BatchOptions {
  /** Seed of the order. */
  readonly seed: number;
  /** Pass over the data; each has its own order. */
  readonly epoch: number;
}

/**
 * How many batches one pass has.
 *
 * @throws RobustError `RJS_DATA_BATCH` for a batch size that is not a positive whole number.
 */
export function batchCount(size: number, { batchSize, dropLast = false }: Pick<BatchOptions, 'batchSize' | 'dropLast'>): number {
  if (!Number.isInteger(batchSize) || batchSize < 1) throw badBatch('a batch size of 1 or more', batchSize);
  return dropLast ? Math.floor(size / batchSize) : Math.ceil(size / batchSize);
}

/**
 * One pass in the order of the set. Only the rows of a batch are read. The caller disposes `inputs` and `labels`.
 *
 * @throws RobustError `RJS_DATA_BATCH` for a batch size or a start that does not fit, `RJS_ABORTED` when stopped.
 */
export async function* batches(dataset: Dataset, options: BatchOptions): AsyncGenerator<Batch, void, undefined> {
  yield* inOrder(dataset, dataset.ids.map((_, row) => row), options);
}

/**
 * One pass in a random order that depends on seed, epoch and ids alone, so any batch of any epoch can be had again. The
 * caller disposes `inputs` and `labels`.
 *
 * @throws RobustError `RJS_DATA_BATCH` for a batch size or a start that does not fit, `RJS_ABORTED` when stopped.
 */
export async function* shuffledBatches(dataset: Dataset, { seed, epoch, ...options }: ShuffleOptions): AsyncGenerator<Batch, void, undefined> {
  yield* inOrder(dataset, randomOrder(dataset, randomStream(seed).split('shuffle', epoch)), options);
}

async function* inOrder(dataset: Dataset, order: Int32Array, options: BatchOptions): AsyncGenerator<Batch, void, undefined> {
  const { batchSize, start = 0, signal } = options;
  const count = batchCount(order.length, options);
  if (!Number.isInteger(start) || start < 0 || start > count) throw badBatch(`a start in 0 … ${count}`, start);
  for (let index = start; index < count; index++) {
    throwIfAborted(signal);
    yield await readBatch(dataset, order.subarray(index * batchSize, (index + 1) * batchSize));
  }
}

/** The batch of these positions. The caller disposes `inputs` and `labels`. */
export async function readBatch(dataset: Dataset, indices: ArrayLike<number>): Promise<Batch> {
  const rows = Int32Array.from(indices);
  const values = await dataset.read(indices);
  return {
    inputs: tensor(values, [rows.length, ...dataset.inputShape], 'float32'),
    labels: tensor1d(rows.map((row) => dataset.labels[row]!), 'int32'),
    ids: rows.map((row) => dataset.ids[row]!),
  };
}

function badBatch(expected: string, got: number): RobustError {
  return new RobustError('RJS_DATA_BATCH', { expected, got: String(got), fix: 'count examples and batches in whole numbers' });
}
