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

function distance(norm: string, a: Float32Array, b: Float32Array): number {
  let largest = 0;
  let total = 0;
  let squares = 0;
  for (let i = 0; i < a.length; i++) {
    const change = Math.abs(a[i]! - b[i]!);
    largest = Math.max(largest, change);
    total += change;
    squares += change * change;
  }
  if (norm === 'L2') return Math.sqrt(squares);
  return norm === 'L1' ? total : largest;
}
