import {
  add, cast, greater, matMul, maximum, mul, relu, rsqrt, sqrt, square, sub, sum, type Tensor, type Tensor1D, type Tensor2D, tidy, transpose,
} from '@tensorflow/tfjs-core';
import { detached } from './detached.ts';

// The slope of a root grows without bound at zero; below this a distance counts as zero and has no slope.
const TINY = 1e-12;

/** Inner products of all pairs of rows, `[N, M]`: cosines where rows have length 1. */
export const similarities = (a: Tensor2D, b: Tensor2D): Tensor2D => matMul(a, b, false, true);

/** Squared Euclidean distances of all pairs of rows, `[N, M]`; rounding may leave them slightly below zero. */
export function squaredDistances(a: Tensor2D, b: Tensor2D): Tensor2D {
  return tidy(() => {
    const squares = (x: Tensor2D): Tensor2D => sum<Tensor2D>(square(x), 1, true);
    return sub(add(squares(a), transpose(squares(b))), mul(similarities(a, b), 2));
  });
}

/** Squared Euclidean distances of rows to rows of the same place, `[N]`. */
export const squaredRowDistances = (a: Tensor2D, b: Tensor2D): Tensor1D => tidy(() => sum(square(sub(a, b)), 1));

/** Roots of squared distances; zero, with a zero gradient, where they are zero or below by rounding. */
export const root = <T extends Tensor>(squared: T): T => tidy(() => sqrt<T>(maximum(relu(squared), TINY)));

/** Rows scaled to length 1; a row of zeros stays zero and has a zero gradient. */
export function normalized(rows: Tensor2D): Tensor2D {
  return tidy(() => {
    const squares = sum<Tensor2D>(square(rows), 1, true);
    const present = detached([squares], ([x]) => cast(greater(x!, TINY), 'float32'));
    return mul(mul(rows, rsqrt(maximum(squares, TINY))), present);
  });
}
