import { cast, greater, less, reshape, sub, type Tensor, type Tensor2D, tidy } from '@tensorflow/tfjs-core';

/** Values in one row of a batch. */
export const rowSize = (batch: Tensor): number => batch.shape.slice(1).reduce((size, length) => size * length, 1);

/** A batch as one flat row an example, `[N, D]`. */
export const flatRows = (batch: Tensor): Tensor2D => reshape(batch, [batch.shape[0], rowSize(batch)]);

/** One value a row, shaped to broadcast over `like`. */
export const overRows = (values: Tensor, like: Tensor): Tensor =>
  reshape(values, [like.shape[0], ...Array<number>(like.rank - 1).fill(1)]);

/**
 * The sign of each value: -1, 0 or 1. Not `tf.sign`, whose wasm kernel takes magnitudes below 1.2e-7 for zero: gradients
 * of a confident model are that small, and an attack would stand still on them.
 */
export const signs = (x: Tensor): Tensor => tidy(() => sub(cast(greater(x, 0), 'float32'), cast(less(x, 0), 'float32')));
