import type { Bounds } from '@robustjs/core';

/** One input and what became of it. */
export interface Perturbed {
  readonly clean: Float32Array;
  readonly adversarial: Float32Array;
}

// S23: relative to the budget, plus a little for a budget near zero.
const SLACK = { relative: 1e-5, absolute: 1e-6 };

/**
 * Whether a perturbed input keeps to the threat model, in plain arithmetic: nothing of the code that attacks is used, so
 * that an error there cannot hide here.
 *
 * @param norm `Linf`, `L2`, `L1`, or `box` for no limit but the bounds.
 */
export function isAllowed({ clean, adversarial }: Perturbed, norm: string, eps: number, [low, high]: Bounds): boolean {
  if (adversarial.length !== clean.length) return false;
  const inBox = adversarial.every((value) => Number.isFinite(value) && value >= low - SLACK.absolute && value <= high + SLACK.absolute);
  return inBox && distance(norm, adversarial, clean) <= eps * (1 + SLACK.relative) + SLACK.absolute;
}

/** Distances between two inputs in every norm, in double precision. L0 counts the values that differ. */
export function distancesOf(a: Float32Array, b: Float32Array): { Linf: number; L2: number; L1: number; L0: number } {
  let [largest, total, squares, changed] = [0, 0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const change = Math.abs(a[i]! - b[i]!);
    largest = Math.max(largest, change);
    total += change;
    squares += change * change;
    if (change > 0) changed++;
  }
  return { Linf: largest, L2: Math.sqrt(squares), L1: total, L0: changed };
}

function distance(norm: string, a: Float32Array, b: Float32Array): number {
  const distances = distancesOf(a, b);
  return norm === 'L2' || norm === 'L1' ? distances[norm] : distances.Linf;
}
