import type { Search } from '@robustjs/core';
import {
  abs, add, cumsum, div, max, maximum, minimum, mul, neg, range, relu, reshape, sub, type Tensor, type Tensor1D, type Tensor2D, topk,
} from '@tensorflow/tfjs-core';
import { rowLengths } from '../norms.ts';
import { flatRows, overRows } from '../rows.ts';
import { projectPixels } from '../threats/l0.ts';

/** The nearest inputs in balls around the clean ones, with a radius `[N]` a row: Euclidean, as the threat models'. */
export const intoBall: Readonly<Record<'Linf' | 'L2' | 'L1' | 'L0', (search: Search, inputs: Tensor, radius: Tensor1D) => Tensor>> = {
  Linf: ({ clean }, inputs, radius) => {
    const most = overRows(radius, inputs);
    return add(clean, minimum(maximum(sub(inputs, clean), neg(most)), most));
  },
  L2: ({ clean }, inputs, radius) => {
    const offset = sub(inputs, clean);
    const share = minimum(div(radius, maximum(rowLengths('L2', offset), 1e-12)), 1);
    return add(clean, mul(offset, overRows(share, inputs)));
  },
  L1: ({ clean }, inputs, radius) => {
    const offset = sub(inputs, clean);
    const excess = overRows(softThreshold(abs(flatRows(offset)), radius), inputs);
    // What the threshold leaves, with its sign: the value less its clipped part.
    return add(clean, sub(offset, minimum(maximum(offset, neg(excess)), excess)));
  },
  L0: ({ clean, bounds }, inputs, radius) => projectPixels(inputs, clean, bounds, radius),
};

/** What to take off each magnitude so that a row adds up to its radius (Duchi et al., ICML 2008), `[N]`. */
function softThreshold(magnitudes: Tensor2D, radius: Tensor1D): Tensor1D {
  const size = magnitudes.shape[1];
  const sums = cumsum(topk(magnitudes, size, true).values, 1);
  const candidates = div(sub(sums, reshape(radius, [-1, 1])), reshape(range(1, size + 1, 1, 'float32'), [1, size]));
  return relu(max<Tensor1D>(candidates, 1));
}
