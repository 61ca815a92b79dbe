import { add, concat, logSumExp, mul, sub, type Tensor1D, type Tensor2D, tidy, zeros } from '@tensorflow/tfjs-core';

/** What a value becomes that does not count: too small for its exponential to be more than zero. */
export const FAR = -1e9;

/** ln(1 + sum of exp) a row, `[N]`, over the values that a mask of 1 and 0 leaves; no exponential overflows. */
export function logOnePlusSum(values: Tensor2D, mask: Tensor2D): Tensor1D {
  return tidy(() => {
    const counted = add(mul(values, mask), mul(sub(1, mask), FAR));
    return logSumExp<Tensor1D>(concat([zeros([values.shape[0], 1]), counted], 1), 1);
  });
}
