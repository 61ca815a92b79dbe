import type { RandomStream, Search } from '@robustjs/core';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { ImageShape } from './windows.ts';

/** How Square perturbs images under one norm. What it returns lies in the threat model; the caller disposes. */
export interface Moves {
  /** Side of the windows for a share of an image's pixels. */
  side(share: number, height: number, width: number): number;
  /** The first perturbed images. */
  start(search: Search, shape: ImageShape, random: RandomStream): Promise<Tensor>;
  /** The best images so far, with a window of each changed at random. */
  propose(search: Search, best: Tensor, shape: ImageShape, side: number, random: RandomStream): Promise<Tensor>;
}
