import { type Bounds, parseEps, type RandomStream, RobustError, type ThreatModel } from '@robustjs/core';
import {
  abs, add, cast, clipByValue, fill, greater, max, mul, reshape, sub, sum, type Tensor, type Tensor1D, type Tensor2D, tensor, tidy, where,
} from '@tensorflow/tfjs-core';
import { chooseRows, largest, positive, rowSize } from '../rows.ts';

/**
 * L0: at most `eps` pixels change, by any amount. A pixel is a position with all its channels, the last axis of an input;
 * in an input of one axis every value is a pixel.
 *
 * Projection is onto ball and box at once: the changes stay that bring the result nearest (Croce and Hein, ICCV 2019,
 * section 4.1). The unit of the steepest step is one pixel, moved to the corner of the box where a linear function gains
 * most. A random start changes `eps` random pixels to random values.
 *
 * @param eps a whole number of pixels, or `Infinity`.
 * @throws RobustError `RJS_EPS`.
 */
export function l0(eps: number | string): ThreatModel {
  const pixels = parseEps(eps);
  if (pixels !== Infinity && !Number.isInteger(pixels)) {
    throw new RobustError('RJS_EPS', { expected: 'a whole number of pixels', got: String(eps), fix: 'under L0 the budget counts pixels' });
  }
  return {
    norm: 'L0',
    eps: pixels,
    project: (inputs, clean, bounds) => projectPixels(inputs, clean, bounds, pixels),
    randomStart: (clean, ids, random, bounds) => tidy(() => randomPixels(clean, ids, random, bounds, pixels)),
    steepest: (gradient, inputs, bounds) =>
      tidy(() => {
        const move = toBestCorner(gradient, inputs, bounds);
        const chosen = largest(pixelSums(mul(move, gradient)), counts(gradient, 1));
        return mul(move, overChannels(chosen, move));
      }),
    distance: (inputs, clean) => tidy(() => changedPixels(sub(inputs, clean))),
  };
}

/** Pixels in one row of a batch. */
export const pixelCount = (batch: Tensor): number => rowSize(batch) / channelCount(batch);

/** The nearest input in the box that differs from the clean one in at most `count` pixels: one number, or one a row `[N]`. */
export function projectPixels(inputs: Tensor, clean: Tensor, [low, high]: Bounds, count: number | Tensor1D): Tensor {
  return tidy(() => {
    const boxed = clipByValue(inputs, low, high);
    if (typeof count === 'number' && count >= pixelCount(inputs)) return boxed;
    const allowed = typeof count === 'number' ? counts(inputs, count) : count;
    const [offset, kept] = [sub(inputs, clean), sub(boxed, clean)];
    // How much nearer a pixel's change brings the result: |d|^2 - |d - k|^2, of the offset d and what the box leaves of it, k.
    const nearer = pixelSums(mul(kept, sub(mul(offset, 2), kept)));
    const chosen = cast(overChannels(largest(nearer, allowed), inputs), 'bool');
    const inside = greater<Tensor1D>(sub(add(allowed, 0.5), changedPixels(kept)), 0);
    // A row inside stays as it is, to the bit.
    return chooseRows(inside, boxed, where(chosen, boxed, clean));
  });
}

/** Values in a pixel: the last axis, 1 for inputs of one axis. */
export const channelCount = (batch: Tensor): number => (batch.rank > 2 ? batch.shape.at(-1)! : 1);

const counts = (batch: Tensor, count: number): Tensor1D => fill([batch.shape[0]], count);

/** Values by pixel, `[N, P, channels]`. */
const pixelRows = (batch: Tensor): Tensor => reshape(batch, [batch.shape[0], pixelCount(batch), channelCount(batch)]);

const pixelSums = (batch: Tensor): Tensor2D => sum(pixelRows(batch), 2);

/** One value a pixel, `[N, P]`, shaped to broadcast over `like`. */
const overChannels = (values: Tensor2D, like: Tensor): Tensor =>
  reshape(values, like.rank > 2 ? [...like.shape.slice(0, -1), 1] : like.shape);

const changedPixels = (offset: Tensor): Tensor1D => sum<Tensor1D>(positive(max(pixelRows(abs(offset)), 2)), 1);

/** From each value to the bound that its gradient points to; zero where there is no gradient. */
function toBestCorner(gradient: Tensor, inputs: Tensor, [low, high]: Bounds): Tensor {
  const [up, down] = [positive(gradient), positive(mul(gradient, -1))];
  return add(mul(up, sub(high, inputs)), mul(down, sub(low, inputs)));
}

function randomPixels(clean: Tensor, ids: ArrayLike<number>, random: RandomStream, [low, high]: Bounds, pixels: number): Tensor {
  const total = pixelCount(clean);
  const values = add(mul(random.split('values').uniformRows(ids, clean.shape.slice(1)), high - low), low);
  if (pixels >= total) return values;
  const marks = new Float32Array(ids.length * total);
  Array.from(ids).forEach((id, row) => {
    for (const pixel of random.split('pixels', id).permutation(total).subarray(0, pixels)) marks[row * total + pixel] = 1;
  });
  const chosen = cast(overChannels(tensor(marks, [ids.length, total]), clean), 'bool');
  return where(chosen, values, clean);
}
