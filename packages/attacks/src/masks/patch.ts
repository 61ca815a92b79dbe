import type { RandomStream, ThreatModel } from '@robustjs/core';
import {
  abs, add, argMax, avgPool, cast, clipByValue, div, floor, greater, less, logicalAnd, max, maximum, mod, mul, range, relu, reshape, squeeze, sub, sum, type Tensor,
  type Tensor1D, tensor1d, type Tensor4D, tidy, where,
} from '@tensorflow/tfjs-core';
import { framesOf, imageAxes } from '../images.ts';
import { chooseRows } from '../rows.ts';
import { signs } from './signs.ts';
import { checkPixels } from './sizes.ts';

/** A rectangle that may lie anywhere. */
export interface PatchThreat extends ThreatModel {
  /** Height and width in pixels. */
  readonly size: readonly [height: number, width: number];
}

/** A side of a patch, or height and width. */
export type PatchSize = number | string | readonly [height: number, width: number];

/**
 * A patch: one rectangle may change, by any amount, anywhere in an image; in a clip one in each frame, each in a place of its own.
 * Its eps is the longer side, and the distance of an input that of the smallest rectangle of these proportions that covers
 * its changes. Projection keeps the rectangle that brings the result nearest. A steepest step moves the rectangle in which
 * a linear function gains most; an attack that has started elsewhere is held there, so start at the clean input, or
 * choose the place with `roa`.
 *
 * @param size one side for a square, in pixels, or `[height, width]`.
 * @throws RobustError `RJS_EPS`, and in use `RJS_ATTACK_INPUT` for inputs without space.
 */
export function patch(size: PatchSize): PatchThreat {
  const [height, width] = (Array.isArray(size) ? (size as number[]).map(checkPixels) : [checkPixels(size as number), checkPixels(size as number)]) as [number, number];
  const eps = Math.max(height, width);
  const distance = (inputs: Tensor, clean: Tensor): Tensor1D =>
    tidy(() => {
      const { down, across } = extents(framesOf(sub(inputs, clean)));
      // A rectangle of no height or width covers nothing, however small.
      const scaled = maximum(mul(down, eps / Math.max(height, 1e-30)), mul(across, eps / Math.max(width, 1e-30)));
      return max<Tensor1D>(reshape(scaled, [inputs.shape[0], -1]), 1);
    });
  return {
    norm: 'patch',
    eps,
    size: [height, width],
    project: (inputs, clean, [low, high]) =>
      tidy(() => {
        const boxed = clipByValue(inputs, low, high);
        if (eps === Infinity) return boxed;
        if (eps === 0) return clean.clone();
        const [offset, kept] = [sub(inputs, clean), sub(boxed, clean)];
        // How much nearer a value's change brings the result: |d|^2 - |d - k|^2, of the offset d and what the box leaves of it, k.
        const there = bestWindow(mul(kept, sub(mul(offset, 2), kept)), height, width);
        // A row inside stays as it is, to the bit.
        return chooseRows(less(distance(boxed, clean), eps * (1 + 1e-5)), boxed, where(there, boxed, clean));
      }),
    randomStart: (clean, ids, random, [low, high]) =>
      tidy(() => {
        const values = add(mul(random.split('values').uniformRows(ids, clean.shape.slice(1)), high - low), low);
        return eps === Infinity ? values : where(randomWindows(clean, ids, random.split('places'), height, width), values, clean);
      }),
    steepest: (gradient) =>
      tidy(() => (eps === Infinity ? signs(gradient) : mul(signs(gradient), cast(bestWindow(abs(gradient), height, width), 'float32')))),
    distance,
  };
}

/** Height and width of what has changed in each frame, `[F]`; zero where nothing has. */
function extents(offsets: Tensor4D): { down: Tensor; across: Tensor } {
  const changed = cast(greater(max(abs(offsets), 3), 0), 'float32');
  const extent = (any: Tensor): Tensor => {
    const length = any.shape[1]!;
    const last = max(mul(any, range(1, length + 1, 1, 'float32')), 1);
    const untouchedBefore = sub(length, max(mul(any, range(length, 0, -1, 'float32')), 1));
    return relu(sub(last, untouchedBefore));
  };
  return { down: extent(max(changed, 2)), across: extent(max(changed, 1)) };
}

/** Marks the rectangle of each frame over which values, of zero or more, add up to most: bools that broadcast over `values`. */
function bestWindow(values: Tensor, height: number, width: number): Tensor {
  const sums = windowSums(framesOf(values), height, width);
  const [frames, rows, columns] = sums.shape as [number, number, number];
  const best = cast(argMax<Tensor1D>(reshape(sums, [frames, rows * columns]), 1), 'float32');
  return windowsAt(values, floor(div(best, columns)), mod(best, columns), height, width);
}

/** Sums over every rectangle that lies inside, `[F, H - h + 1, W - w + 1]`, up to a factor. */
export function windowSums(frames: Tensor4D, height: number, width: number): Tensor {
  const [, h, w] = frames.shape;
  const filter: [number, number] = [Math.max(1, Math.min(height, h)), Math.max(1, Math.min(width, w))];
  return squeeze(avgPool(sum<Tensor4D>(frames, 3, true), filter, 1, 'valid'), [3]);
}

/**
 * Marks one rectangle in each frame by its top left corner, or one in all frames of a row where there is a corner a row:
 * bools that broadcast over `like`.
 */
export function windowsAt(like: Tensor, top: Tensor1D, left: Tensor1D, height: number, width: number): Tensor {
  const axes = imageAxes(like);
  const frames = like.rank === 5 ? [top.shape[0] / like.shape[0]] : [];
  const along = (from: Tensor1D, size: number, length: number): Tensor => {
    const offset = sub(reshape(range(0, length, 1, 'float32'), [1, length]), reshape(from, [-1, 1]));
    return logicalAnd(greater(offset, -0.5), less(offset, Math.min(size, length) - 0.5));
  };
  const lead = [like.shape[0], ...frames];
  return logicalAnd(
    reshape(along(top, height, axes.height), [...lead, axes.height, 1, 1]),
    reshape(along(left, width, axes.width), [...lead, 1, axes.width, 1]),
  );
}

/** Marks a uniformly random rectangle in each frame of each row. */
export function randomWindows(like: Tensor, ids: ArrayLike<number>, random: RandomStream, height: number, width: number): Tensor {
  const { frames, height: h, width: w } = imageAxes(like);
  const draws = Array.from(ids, (id) => random.split(id).uniform(2 * frames));
  const corners = (part: 0 | 1, room: number): Tensor1D =>
    tensor1d(draws.flatMap((draw) => Array.from({ length: frames }, (_, t) => Math.floor(draw[2 * t + part]! * (Math.max(0, room) + 1)))));
  return windowsAt(like, corners(0, h - height), corners(1, w - width), height, width);
}
