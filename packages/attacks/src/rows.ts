import {
  add, cast, cumsum, engine, getBackend, getKernel, greater, less, mul, type NamedTensorMap, range, reshape, sub, sum, type Tensor,
  type Tensor1D, type Tensor2D, tidy, topk, where,
} from '@tensorflow/tfjs-core';

/** Values in one row of a batch. */
export const rowSize = (batch: Tensor): number => batch.shape.slice(1).reduce((size, length) => size * length, 1);

/** A batch as one flat row an example, `[N, D]`. */
export const flatRows = (batch: Tensor): Tensor2D => reshape(batch, [batch.shape[0], rowSize(batch)]);

/** One value a row, shaped to broadcast over `like`. */
export const overRows = (values: Tensor, like: Tensor): Tensor =>
  reshape(values, [like.shape[0], ...Array<number>(like.rank - 1).fill(1)]);

/**
 * What the backend's kernel of this name gives, where it has one and the data are of its types: floats, and bools or classes. Not while a
 * gradient is recorded, which it has none of; `differentiable`: not while a gradient of a gradient is.
 */
export const fused = <T extends Tensor>(
  name: string, floats: NamedTensorMap, others: NamedTensorMap = {}, attrs = {}, differentiable = false,
): T | undefined => {
  const known = engine().state.gradientDepth <= (differentiable ? 1 : 0) && (getKernel(name, getBackend()) as object | undefined) !== undefined;
  const typed = Object.values(floats).every(({ dtype }) => dtype === 'float32') && Object.values(others).every(({ dtype }) => dtype !== 'float32');
  return known && typed ? engine().runKernel<T>(name, { ...floats, ...others }, attrs) : undefined;
};

/** Whole rows of one batch or of another, by one bool a row. Kernel: `SelectRows`. */
export const chooseRows = <T extends Tensor>(mask: Tensor1D, yes: T, no: T): T =>
  (yes.shape.join() === no.shape.join() ? fused<T>('SelectRows', { yes, no }, { mask }) : undefined) ?? where(overRows(mask, yes), yes, no);

/** 1 where a value is above zero, else 0. */
export const positive = <T extends Tensor>(x: T): T => cast(greater(x, 0), 'float32');

const negative = <T extends Tensor>(x: T): T => cast(less(x, 0), 'float32');
const isZero = (x: Tensor): Tensor => sub(1, add(positive(x), negative(x)));

/**
 * Marks the largest values of each row with 1 and the others with 0; of equal values, those in front come first.
 *
 * @param values of zero or more, `[N, P]`.
 * @param count how many in each row, whole numbers `[N]`.
 */
export function largest(values: Tensor2D, count: Tensor1D): Tensor2D {
  return tidy(() => {
    const size = values.shape[1];
    const wanted = reshape(count, [-1, 1]);
    // Differences are compared with a number: that has a fast kernel, and comparing tensors that broadcast has none.
    const isLastWanted = isZero(sub(range(1, size + 1, 1, 'float32'), wanted));
    const smallestWanted = sum(mul(topk(values, size, true).values, isLastWanted), 1, true);
    const above = sub(values, smallestWanted);
    const larger = positive(above);
    const tied = isZero(above);
    const room = sub(wanted, sum(larger, 1, true));
    const tiedWithRoom = mul(tied, negative(sub(cumsum(tied, 1), add(room, 0.5))));
    return mul<Tensor2D>(add(larger, tiedWithRoom), positive(wanted));
  });
}
