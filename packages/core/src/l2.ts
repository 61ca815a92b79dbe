import {
  abs, add, clipByValue, div, greater, max, maximum, mul, sqrt, square, sub, sum, type Tensor, type Tensor1D, tensor, tidy, where,
} from '@tensorflow/tfjs-core';
import { parseEps } from './eps.ts';
import type { Bounds } from './model.ts';
import { flatRows, fused, overRows, rowSize } from './rows.ts';
import type { ThreatModel } from './threat.ts';

// Keeps divisions by a length finite and moves nothing that matters.
const TINY = 1e-12;
// The smallest normal float32, about: gradients below it count as zero.
const SMALLEST = 1e-37;

const lengths = (batch: Tensor): Tensor1D => sqrt(sum<Tensor1D>(square(flatRows(batch)), 1));

/**
 * L2: the Euclidean length of the perturbation is at most `eps`.
 *
 * @param eps a number or a fraction, in the units of the model's bounds.
 * @throws RobustError `RJS_EPS`.
 */
export function l2(eps: number | string): ThreatModel {
  const size = parseEps(eps);
  const project = (inputs: Tensor, clean: Tensor, [low, high]: Bounds): Tensor =>
    tidy(() => {
      const offset = sub(inputs, clean);
      const length = overRows(lengths(offset), clean);
      const shortened = add(clean, mul(offset, div(size, maximum(length, TINY))));
      // A row inside the ball stays as it is, to the bit.
      return clipByValue(where(greater(length, size), shortened, inputs), low, high);
    });
  const steepest = (gradient: Tensor): Tensor =>
    tidy(() => {
      // Scaled first: the squares of a confident model's gradient underflow, and the step would vanish with them.
      const scaled = div(gradient, maximum(overRows(max(abs(flatRows(gradient)), 1), gradient), SMALLEST));
      return div(scaled, maximum(overRows(lengths(scaled), gradient), TINY));
    });
  return {
    norm: 'L2',
    eps: size,
    project,
    randomStart: (clean, ids, random, bounds) =>
      tidy(() => {
        const direction = random.split('direction').normalRows(ids, clean.shape.slice(1));
        // Uniform in the ball: the radius is eps * u^(1/d), and u^(1/d) has the law of the largest of d uniforms.
        const largest = (id: number) => random.split('radius', id).uniform(rowSize(clean)).reduce((a, b) => Math.max(a, b), 0);
        const radius = tensor(Float32Array.from(ids, (id) => size * largest(id)));
        const scale = div(radius, maximum(lengths(direction), TINY));
        return project(add(clean, mul(direction, overRows(scale, clean))), clean, bounds);
      }),
    steepest,
    fused: { kernelName: 'L2Step', project, steepest },
    distance: (x, clean) => fused<Tensor1D>('L2Distance', { x, clean }) ?? tidy(() => lengths(sub(x, clean))),
  };
}
