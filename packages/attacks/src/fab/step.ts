import type { RandomStream, Search } from '@robustjs/core';
import {
  add, clipByValue, concat, div, less, logicalAnd, maximum, minimum, mul, slice, sub, sum, type Tensor, type Tensor1D, tidy, where,
} from '@tensorflow/tfjs-core';
import { type DualNorm, rowLengths, SMALLEST } from '../norms.ts';
import type { Planes } from '../planes.ts';
import { chooseRows, flatRows, overRows } from '../rows.ts';
import { displacementToPlane } from './project.ts';

/** The constants of FAB; nobody tunes them. */
export interface FabConstants {
  /** Largest share of the clean input's projection in a step, in (0, 1). Default 0.1. */
  readonly alphaMax: number;
  /** Length of a step that would just reach the plane at 1. Default 1.05. */
  readonly eta: number;
  /** Share of its perturbation that an iterate keeps after a success, in (0, 1). Default 0.9. */
  readonly beta: number;
}

// Shares are taken of distances no shorter than this.
const SHORTEST = 1e-8;

/**
 * One step of FAB: between the projections of the iterate and of the clean input onto the plane, both overshot, and the
 * nearer the iterate is to the plane the less of the clean input's (algorithm 1, lines 7 to 9).
 */
export function fabStep(search: Search, inputs: Tensor, { normal, gap }: Planes, norm: DualNorm, { alphaMax, eta }: FabConstants): Tensor {
  const { clean, bounds } = search;
  return tidy(() => {
    // The linear function at the clean input, from the one at the iterate.
    const gapAtClean = add<Tensor1D>(gap, sum<Tensor1D>(flatRows(mul(normal, sub(clean, inputs))), 1));
    const displacement = displacementToPlane(norm, concat([inputs, clean]), concat([normal, normal]), concat<Tensor1D>([gap, gapAtClean]), bounds);
    const [fromInputs, fromClean] = [0, inputs.shape[0]].map((first) => slice(displacement, first, inputs.shape[0])) as [Tensor, Tensor];
    const [near, far] = [fromInputs, fromClean].map((d) => maximum(rowLengths(norm, d), SHORTEST)) as [Tensor, Tensor];
    const alpha = overRows(minimum(div(near, add(near, far)), alphaMax), inputs);
    const [a, b] = [add(inputs, mul(fromInputs, eta)), add(clean, mul(fromClean, eta))];
    return clipByValue(add(mul(sub(1, alpha), a), mul(alpha, b)), ...bounds);
  });
}

/**
 * After a step: adversarial iterates back towards the clean input, keeping a share of their perturbation, and the distances
 * of the nearest adversarial inputs so far (algorithm 1, lines 10 to 15).
 */
export function pullBack(search: Search, moved: Tensor, adversarial: Tensor1D, nearest: Tensor1D, { beta }: FabConstants): [Tensor, Tensor1D] {
  const { clean, threat } = search;
  return tidy(() => {
    const distances = threat.distance(moved, clean);
    const back = add(clean, mul(sub(moved, clean), beta));
    const nearer = logicalAnd(adversarial, less(distances, nearest));
    return [chooseRows(adversarial, back, moved), where(nearer, distances, nearest)];
  });
}

// What stands for eps where there is none, in bounds of width 1: the defaults of the authors' code.
const LENGTHS: Readonly<Record<DualNorm, number>> = { Linf: 0.3, L2: 1, L1: 5 };

/** A random input half as far away as the nearest adversarial one known, or as eps. */
export function fabStart(search: Search, nearest: Tensor1D, norm: DualNorm, random: RandomStream): Tensor {
  const { clean, ids, threat, bounds: [low, high] } = search;
  const most = threat.eps < Infinity ? threat.eps : LENGTHS[norm] * (high - low);
  return tidy(() => {
    const shape = clean.shape.slice(1);
    const noise = norm === 'Linf' ? sub(mul(random.uniformRows(ids, shape), 2), 1) : random.normalRows(ids, shape);
    const scale = div(mul(minimum(nearest, most), 0.5), maximum(rowLengths(norm, noise), SMALLEST));
    return clipByValue(add(clean, mul(noise, overRows(scale, clean))), low, high);
  });
}
