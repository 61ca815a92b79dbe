import {
  cast, engine, getBackend, getKernel, greater, less, type NamedTensorMap, reshape, sub, type Tensor, type Tensor1D, type Tensor2D, tidy, where,
} from '@tensorflow/tfjs-core';

/** Values in one row of a batch. */
export const rowSize = (batch: Tensor): number => batch.shape.slice(1).reduce((size, length) => size * length, 1);

/** A batch as one flat row an example, `[N, D]`. */
export const flatRows = (batch: Tensor): Tensor2D => reshape(batch, [batch.shape[0], rowSize(batch)]);

/** One value a row, shaped to broadcast over `like`. */
export const overRows = (values: Tensor, like: Tensor): Tensor =>
  reshape(values, [like.shape[0], ...Array<number>(like.rank - 1).fill(1)]);

/** What the backend's kernel of this name gives, where it has one and the batches are floats. Not while a gradient is recorded: it has none. */
export const fused = <T extends Tensor | Tensor[]>(name: string, floats: NamedTensorMap, others: NamedTensorMap = {}, attrs = {}): T | undefined => {
  const known = engine().state.gradientDepth === 0 && (getKernel(name, getBackend()) as object | undefined) !== undefined;
  return known && Object.values(floats).every(({ dtype }) => dtype === 'float32') ? engine().runKernel<T>(name, { ...floats, ...others }, attrs) : undefined;
};

/** Whole rows of one batch or of another, by one bool a row. Kernel: `SelectRows`. */
export const chooseRows = <T extends Tensor>(mask: Tensor1D, yes: T, no: T): T =>
  (yes.shape.join() === no.shape.join() ? fused<T>('SelectRows', { yes, no }, { mask }) : undefined) ?? where(overRows(mask, yes), yes, no);

/**
 * The sign of each value: -1, 0 or 1. Not `tf.sign`, whose wasm kernel takes magnitudes below 1.2e-7 for zero: gradients
 * of a confident model are that small, and an attack would stand still on them.
 */
export const signs = (x: Tensor): Tensor => tidy(() => sub(cast(greater(x, 0), 'float32'), cast(less(x, 0), 'float32')));
