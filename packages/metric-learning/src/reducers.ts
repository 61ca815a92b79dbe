import { cast, div, greater, maximum, mul, type Scalar, sum, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { detached } from './detached.ts';

/**
 * How terms become one number: `'mean'` over all of them, or `'mean-of-positive'` over those above zero (`AvgNonZero` in PyTorch Metric
 * Learning). No terms: 0. Libraries differ in this more than in anything else.
 */
export type Averaging = 'mean' | 'mean-of-positive';

/** The average of the terms that a mask of 1 and 0 leaves. */
export function average(terms: Tensor, mask: Tensor, averaging: Averaging): Scalar {
  return tidy(() => {
    const counted = averaging === 'mean' ? mask : detached([terms], ([x]) => mul(mask, cast(greater(x!, 0), 'float32')));
    return ratio(sum(mul(terms, counted)), sum(counted));
  });
}

/** A quotient that is 0 where nothing was counted. */
export const ratio = (total: Tensor, count: Tensor): Scalar => tidy(() => div<Scalar>(total, maximum(count, 1)));
