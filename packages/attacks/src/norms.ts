import { abs, div, max, maximum, mul, reshape, sqrt, square, sum, type Tensor, type Tensor1D, tidy } from '@tensorflow/tfjs-core';
import { flatRows } from './rows.ts';

/** The norms that have a dual, in which a gradient is measured. */
export type DualNorm = 'Linf' | 'L2' | 'L1';

/** All of them, for attacks made for them. */
export const DUAL_NORMS: readonly DualNorm[] = ['Linf', 'L2', 'L1'];

/** Keeps divisions by a gradient's length finite, yet lets a confident model's tiny ones count. */
export const SMALLEST = 1e-37;

const duals: Readonly<Record<DualNorm, DualNorm>> = { Linf: 'L1', L2: 'L2', L1: 'Linf' };

/** Length of each row of a batch, `[N]`. */
export function rowLengths(norm: DualNorm, batch: Tensor): Tensor1D {
  return tidy(() => {
    const magnitudes = abs(flatRows(batch));
    if (norm === 'Linf') return max<Tensor1D>(magnitudes, 1);
    if (norm === 'L1') return sum<Tensor1D>(magnitudes, 1);
    // Scaled first: squares of tiny values underflow.
    const scale = maximum(max(magnitudes, 1, true), SMALLEST);
    return mul(sqrt(sum<Tensor1D>(square(div(magnitudes, scale)), 1)), reshape(scale, [-1]));
  });
}

/** Length of each row in the norm that measures gradients: a linear function changes by at most this per unit of `norm`. */
export const dualLengths = (norm: DualNorm, gradient: Tensor): Tensor1D => rowLengths(duals[norm], gradient);
