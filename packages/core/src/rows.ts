import { reshape, type Tensor, type Tensor2D } from '@tensorflow/tfjs-core';

/** Values in one row of a batch. */
export const rowSize = (batch: Tensor): number => batch.shape.slice(1).reduce((size, length) => size * length, 1);

/** A batch as one flat row an example, `[N, D]`. */
export const flatRows = (batch: Tensor): Tensor2D => reshape(batch, [batch.shape[0]!, rowSize(batch)]);

/** One value a row, shaped to broadcast over `like`. */
export const overRows = (values: Tensor, like: Tensor): Tensor =>
  reshape(values, [like.shape[0]!, ...Array<number>(like.rank - 1).fill(1)]);
