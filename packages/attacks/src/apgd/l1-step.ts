import type { Search } from '@robustjs/core';
import { type Tensor, tensor } from '@tensorflow/tfjs-core';
import { rowSize } from '../rows.ts';
import { type Box, projectOntoL1Box } from './l1-box.ts';

/**
 * Applies a function of one row to all of them, outside of TF.js: selection and projection in L1 sort and search, for which it
 * has no kernel worth the name. The values written come back as a tensor shaped like the clean inputs.
 *
 * @param perRow gets a row of each of `batches`, the row's number of each of `numbers`, and its clean values; returns the row.
 */
export async function overRowsOnHost(
  search: Search,
  batches: readonly Tensor[],
  numbers: readonly Tensor[],
  perRow: (rows: readonly Float32Array[], values: readonly number[], clean: Float32Array, box: Box) => Float32Array,
): Promise<Tensor> {
  const [low, high] = search.bounds;
  const { shape } = search.clean;
  const size = rowSize(search.clean);
  const read = async (x: Tensor): Promise<Float32Array> => (await x.data()) as Float32Array;
  const [clean, ...data] = await Promise.all([search.clean, ...batches, ...numbers].map(read));
  const [rowData, numberData] = [data.slice(0, batches.length), data.slice(batches.length)];
  const result = new Float32Array(shape[0] * size);
  for (let row = 0; row < shape[0]; row++) {
    const at = (values: Float32Array): Float32Array => values.subarray(row * size, (row + 1) * size);
    result.set(perRow(rowData.map(at), numberData.map((values) => values[row]!), at(clean!), { low, high }), row * size);
  }
  return tensor(result, shape, 'float32');
}

/** One row of a sparse step. */
export interface SparseStep {
  readonly x: Float32Array;
  readonly slopes: Float32Array;
  readonly clean: Float32Array;
  /** L1 length of the step. */
  readonly length: number;
  /** Share of the values that move. */
  readonly share: number;
  readonly eps: number;
  readonly box: Box;
}

/** A step of L1 length `length`, spread evenly over the largest gradient values, projected onto ball and box. */
export function sparseStep({ x, slopes, clean, length, share, eps, box }: SparseStep): Float32Array {
  const size = x.length;
  const magnitudes = new Float32Array(size);
  for (let i = 0; i < size; i++) magnitudes[i] = Math.abs(slopes[i]!);
  const sorted = magnitudes.slice().sort();
  const smallest = sorted[Math.min(Math.floor((1 - share) * size), size - 1)]!;
  let moving = 0;
  for (let i = 0; i < size; i++) if (magnitudes[i]! >= smallest && magnitudes[i]! > 0) moving++;
  const each = length / Math.max(moving, 1);
  const moves = new Float64Array(size);
  for (let i = 0; i < size; i++) moves[i] = x[i]! - clean[i]! + (magnitudes[i]! >= smallest ? each * Math.sign(slopes[i]!) : 0);
  return within(moves, clean, eps, box);
}

/** The clean values plus a perturbation, after it was projected onto ball and box; changes `moves`. */
export function within(moves: Float64Array, clean: Float32Array, eps: number, box: Box): Float32Array {
  projectOntoL1Box(moves, clean, eps, box);
  const result = new Float32Array(moves.length);
  // The sum is rounded once more, which may cross the box by its last bit.
  for (let i = 0; i < result.length; i++) result[i] = Math.min(Math.max(clean[i]! + moves[i]!, box.low), box.high);
  return result;
}
