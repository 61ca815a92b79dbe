import {
  abs, add, clipByValue, cumsum, div, greater, greaterEqual, less, logicalAnd, logicalOr, max, maximum, min, mul, range, relu, reshape,
  sub, sum, type Tensor, type Tensor1D, type Tensor2D, tensor, tidy, topk, where,
} from '@tensorflow/tfjs-core';
import { parseEps } from './eps.ts';
import type { Bounds } from './model.ts';
import type { RandomStream } from './random.ts';
import { flatRows, overRows, rowSize, signs } from './rows.ts';
import type { ThreatModel } from './threat.ts';

/** What {@link l1} takes besides the budget. */
export interface L1Options {
  /**
   * Share of a row's values that a steepest step leaves alone. 0.99 is sparse L1 descent (Tramèr and Boneh, NeurIPS
   * 2019); 1 moves the single best value, which is the exact steepest direction. Default 0.99.
   */
  readonly quantile?: number;
}

/**
 * L1: the absolute changes of a row's values add up to at most `eps`. Projection is Euclidean (Duchi et al., ICML 2008).
 *
 * @param eps a number or a fraction, in the units of the model's bounds.
 * @throws RobustError `RJS_EPS`.
 */
export function l1(eps: number | string, options: L1Options = {}): ThreatModel {
  const size = parseEps(eps);
  const { quantile = 0.99 } = options;
  const project = (inputs: Tensor, clean: Tensor, [low, high]: Bounds): Tensor =>
    tidy(() => {
      const offset = sub(inputs, clean);
      const threshold = overRows(softThreshold(abs(flatRows(offset)), size), clean);
      const shrunk = add(clean, mul(signs(offset), relu(sub(abs(offset), threshold))));
      // A row inside the ball stays as it is, to the bit.
      return clipByValue(where(greater(threshold, 0), shrunk, inputs), low, high);
    });
  return {
    norm: 'L1',
    eps: size,
    project,
    randomStart: (clean, ids, random, bounds) =>
      tidy(() => {
        const d = rowSize(clean);
        const offsets = Float32Array.from(Array.from(ids, (id) => [...uniformInBall(random.split(id), d)]).flat());
        return project(add(clean, mul(tensor(offsets, clean.shape), size)), clean, bounds);
      }),
    steepest: (gradient, inputs, [low, high]) =>
      tidy(() => {
        // A value at the edge of the box cannot move outwards: it is no candidate.
        const free = logicalOr(
          logicalAnd(greater(gradient, 0), less(inputs, high)),
          logicalAnd(less(gradient, 0), greater(inputs, low)),
        );
        const magnitude = mul(abs(gradient), free);
        const kept = Math.max(1, Math.round((1 - quantile) * rowSize(gradient)));
        const smallestKept = min(topk(flatRows(magnitude), kept, true).values, 1);
        const chosen = logicalAnd(greaterEqual(magnitude, overRows(smallestKept, gradient)), greater(magnitude, 0));
        const direction = mul(signs(gradient), chosen);
        return div(direction, maximum(overRows(sum(flatRows(abs(direction)), 1), gradient), 1));
      }),
    distance: (inputs, clean) => tidy(() => sum<Tensor1D>(abs(flatRows(sub(inputs, clean))), 1)),
  };
}

/**
 * The number to take off each magnitude so that a row adds up to `eps`; zero where it already does not exceed it.
 * With magnitudes sorted downwards and c_k the sum of the first k, it is the largest (c_k - eps) / k.
 */
function softThreshold(magnitudes: Tensor2D, eps: number): Tensor {
  const d = magnitudes.shape[1];
  const sorted = topk(magnitudes, d, true).values;
  const candidates = div(sub(cumsum(sorted, 1), eps), reshape(range(1, d + 1, 1, 'float32'), [1, d]));
  return relu(max(candidates, 1));
}

// Gaps between sorted uniforms, the last gap left out, are uniform in the simplex of sum <= 1; signs at random.
function uniformInBall(random: RandomStream, d: number): Float32Array {
  const sorted = random.split('gaps').uniform(d).sort();
  const signs = random.split('signs').uniform(d);
  return sorted.map((value, i) => (value - (i === 0 ? 0 : sorted[i - 1]!)) * (signs[i]! < 0.5 ? -1 : 1));
}
