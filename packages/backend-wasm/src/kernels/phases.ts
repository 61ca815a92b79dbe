import type { ConvAxis } from './conv-geometry.ts';

/*
 * The input gradient of a strided convolution along one axis, as a forward convolution over the output gradient g.
 *
 *   dx[i] = sum over k of w[k] g[o]   with   stride * o = i + before - k
 *
 * Inputs are taken in blocks of `block = stride * step`: i = block * q + r. Every i of a block sees a window of g that starts
 * at the same place for all r, so the block's members become output channels of one convolution with stride `step`:
 *
 *   o = step * q + d,   k = r + before - stride * d
 *
 * No multiplication by the zeros of an upsampled g, and a step above 1 fills the vector lanes where channels are few.
 */

/** Window of the output gradient that a block of inputs sees. */
export interface PhaseWindow {
  /** Offset d of the window's first element; at most 0. */
  readonly first: number;
  /** Elements in the window. */
  readonly size: number;
  /** Blocks q that cover the axis. */
  readonly blocks: number;
  /** Zero padding of the output gradient. */
  readonly pad: readonly [number, number];
}

/** Window for the inputs block * q + r with r in `members`; undefined where no filter element reaches them. */
export function phaseWindow(axis: ConvAxis, members: readonly number[], step: number): PhaseWindow | undefined {
  const lowest = (r: number): number => Math.ceil((r + axis.before - axis.kernel + 1) / axis.stride);
  const highest = (r: number): number => Math.floor((r + axis.before) / axis.stride);
  const reached = members.filter((r) => lowest(r) <= highest(r));
  if (reached.length === 0) return undefined;
  const first = Math.min(0, ...reached.map(lowest));
  const last = Math.max(first, ...reached.map(highest));
  const blocks = Math.ceil((axis.input - members[0]!) / (axis.stride * step));
  const after = Math.max(0, step * (blocks - 1) + last - (axis.output - 1));
  return { first, size: last - first + 1, blocks, pad: [-first, after] };
}

/** The filter element that window offset d applies to block member r, or -1. */
export function filterIndex(axis: ConvAxis, r: number, d: number): number {
  const k = r + axis.before - axis.stride * d;
  return k >= 0 && k < axis.kernel ? k : -1;
}

/** The numbers 0 .. count-1. */
export function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

const LANES = 8;

/** The step that needs the fewest multiplications, vector lanes left empty counted as well. */
export function cheapestStep(axis: ConvAxis, channels: number): number {
  const cost = (step: number): number => {
    const block = axis.stride * step;
    const window = phaseWindow(axis, range(block), step);
    return (window?.size ?? 1) * Math.ceil((block * channels) / LANES) * Math.ceil(axis.input / block);
  };
  return [1, 2, 4, 8].reduce((best, step) => (cost(step) < cost(best) ? step : best));
}
