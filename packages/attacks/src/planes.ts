import type { Objective, Search } from '@robustjs/core';
import {
  abs, add, cast, clone, dispose, div, less, maximum, mul, neg, oneHot, type Rank, reshape, slice, sub, sum, type Tensor, type Tensor1D, type Tensor2D, tidy, where,
} from '@tensorflow/tfjs-core';
import { type DualNorm, dualLengths, SMALLEST } from './norms.ts';
import { marginObjective } from './objectives.ts';
import { rankedTargets } from './ranks.ts';
import { chooseRows, fused, positive } from './rows.ts';

// Stands for infinity, which arithmetic would turn into NaN.
const FAR = 3e38;

/** A decision boundary of each row as it looks from some inputs x: gap + <normal, z - x> = 0, with a negative gap on the goal's side. */
export interface Planes {
  readonly normal: Tensor;
  readonly gap: Tensor1D;
}

/**
 * Judges the clean inputs, lets rows leave that are wrong already, and ranks the other classes of the rest, the largest
 * logit first: `[N, min(most, K - 1)]`.
 */
export async function rivalsAtClean(search: Search, most: number): Promise<Tensor2D> {
  const { outputs, values, adversarial } = search.look(search.clean);
  const rivals = rankedTargets(outputs, search.goals, Math.min(most, outputs.shape[1]! - 1));
  dispose([outputs, values, adversarial]);
  const [left] = await search.compact(rivals);
  return left;
}

/**
 * Of each row's boundaries with some other classes, the nearest where the model is taken as linear: with the smallest
 * |gap| / ||normal||_dual (DeepFool, CVPR 2016, equation 8). Takes a gradient a class. The caller disposes.
 *
 * @param rivals classes of each row, `[N, R]`. A search with targets has a single boundary: with the largest other logit.
 */
export function nearestPlanes(search: Search, inputs: Tensor, rivals: Tensor2D, norm: DualNorm): Planes {
  if (search.targeted) return planesOf(search, inputs, leadOfTarget);
  let nearest: Ranked | undefined;
  for (let rank = 0; rank < rivals.shape[1]; rank++) {
    const planes = planesWith(search, inputs, rivals, rank);
    if (rivals.shape[1] === 1) return planes;
    const old = nearest;
    nearest = tidy(() => nearerOf(old, { ...planes, distance: distanceTo(planes, norm) }));
    dispose([planes.normal, planes.gap, ...Object.values(old ?? {})]);
  }
  const { normal, gap, distance } = nearest!;
  distance.dispose();
  return { normal, gap };
}

type Ranked = { readonly normal: Tensor; readonly gap: Tensor1D; readonly distance: Tensor1D };

function nearerOf(old: Ranked | undefined, found: Ranked): Ranked {
  if (old === undefined) return { ...found, normal: clone(found.normal), gap: clone(found.gap) };
  const nearer = less<Tensor1D>(found.distance, old.distance);
  return {
    normal: chooseRows(nearer, found.normal, old.normal),
    gap: where(nearer, found.gap, old.gap),
    distance: where(nearer, found.distance, old.distance),
  };
}

function planesWith(search: Search, inputs: Tensor, rivals: Tensor2D, rank: number): Planes {
  const rival = tidy(() => reshape<Rank.R1>(slice(rivals, [0, rank], [-1, 1]), [-1]));
  const planes = planesOf(search, inputs, lead(rival));
  dispose(rival);
  return planes;
}

// A probe: the iterate was judged when it was found.
function planesOf(search: Search, inputs: Tensor, objective: Objective): Planes {
  const { gradient, values, outputs, adversarial } = search.differentiate(inputs, { objective, probe: true });
  dispose([outputs, adversarial]);
  return { normal: gradient, gap: values };
}

/** A boundary without a slope is infinitely far. */
const distanceTo = ({ normal, gap }: Planes, norm: DualNorm): Tensor1D =>
  tidy(() => {
    const slope = dualLengths(norm, normal);
    return add(div(abs(gap), maximum(slope, SMALLEST)), mul(sub(1, positive(slope)), FAR));
  });

/** Logit of a rival minus the goal's. */
export const lead = (targets: Tensor1D): Objective => (logits, labels) =>
  fused<Tensor1D>('ClassLead', { logits }, { labels, targets }, {}, true) ?? tidy(() => {
    const mark = (classes: Tensor): Tensor => cast(oneHot(classes as Tensor1D, logits.shape[1]!), 'float32');
    return sum<Tensor1D>(mul(logits, sub(mark(targets), mark(labels))), 1);
  });

const leadOfTarget: Objective = (outputs, goals) => tidy(() => neg(marginObjective(outputs, goals)));
