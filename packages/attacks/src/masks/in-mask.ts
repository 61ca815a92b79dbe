import type { Search } from '@robustjs/core';
import { add, clipByValue, dispose, fill, mul, type Tensor, tidy, where } from '@tensorflow/tfjs-core';
import { signs } from './signs.ts';

/** Options of attacks that descend inside a mask. */
export interface InMaskOptions {
  /** Gradient steps. Default 30. */
  readonly steps?: number;
  /** Length of a step. Default: a twentieth of the range of values. */
  readonly alpha?: number | string;
}

/** What a descent inside a mask needs. */
export interface Descent {
  readonly steps: number;
  /** Absent: a twentieth of the range. */
  readonly alpha: number | undefined;
}

/** The middle of the range everywhere inside the mask. */
export function grey(search: Search, mask: Tensor): Tensor {
  const [low, high] = search.bounds;
  return tidy(() => where(mask, fill(search.clean.shape, (low + high) / 2), search.clean));
}

/**
 * Sign steps of the values inside a mask of bools, which broadcasts over the inputs; the others keep their bits. Takes over
 * mask and start, and ends with the last iterate offered and broken rows gone.
 */
export async function descendInMask(search: Search, mask: Tensor, start: Tensor, { steps, alpha }: Descent): Promise<void> {
  const [low, high] = search.bounds;
  const length = alpha ?? (high - low) / 20;
  let state: [Tensor, Tensor] = [start, mask];
  for (let step = 0; step < steps && search.rows > 0; step++) {
    const [inputs, inside] = state;
    const gradient = search.gradient(inputs);
    const moved = tidy(() => where(inside, clipByValue(add(inputs, mul(signs(gradient), length)), low, high), search.clean));
    dispose([inputs, gradient]);
    state = await search.compact(moved, inside);
  }
  if (search.rows > 0) search.offer(state[0]);
  dispose(await search.compact(...state));
}
