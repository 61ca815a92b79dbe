import type { Bounds } from '@robustjs/core';
import {
  abs, add, clipByValue, div, greaterEqual, max, maximum, minimum, mul, neg, onesLike, relu, reshape, sub, sum, type Tensor, type Tensor1D, tidy,
  where, zerosLike,
} from '@tensorflow/tfjs-core';
import { type DualNorm, SMALLEST } from '../norms.ts';
import { flatRows, fused, positive } from '../rows.ts';

/** Many more than it takes: a level is found in about 3 steps where a third of the room is used, in 10 where 99 % are. */
const NEWTON_STEPS = 12;
/** Halvings until a threshold between 0 and 1 is as fine as float32 is there. */
const HALVINGS = 24;
/** Keeps divisions finite; beside a largest weight of 1 it moves nothing that matters. */
const TINY = 1e-12;
/** More than a box allows; without this bound tiny slopes lead to infinities. */
const OUT_OF_REACH = 1e15;

/**
 * The shortest displacement of each row that ends on its plane and in the box: min ||d|| subject to offset + <normal, d> = 0
 * and low <= points + d <= high. Where the plane lies beyond the box it is the one that comes nearest to it, into a corner.
 *
 * Source: Croce and Hein, ICML 2020 (FAB), section 2.2 and appendix A.
 *
 * Kernel under Linf and L2: `PlaneDisplacement`.
 *
 * @param normal the planes' normals, in the shape of `points`; a row of zeros gives no displacement.
 * @param offset `[N]`, what the plane's linear function is at `points`, of either sign.
 */
export function displacementToPlane(norm: DualNorm, points: Tensor, normal: Tensor, offset: Tensor1D, bounds: Bounds): Tensor {
  const attrs = { weighted: norm === 'L2', low: bounds[0], high: bounds[1] };
  const found = norm === 'L1' ? undefined : fused('PlaneDisplacement', { points, normal, offset }, {}, attrs);
  return found ?? tidy(() => {
    const need = roomAlong(points, normal, offset, bounds);
    const travelled = norm === 'L1' ? spendGreedily(need) : fillEvenly(need, norm === 'L2' ? need.weights : undefined);
    return reshape(mul(need.direction, travelled), points.shape);
  });
}

/** How far each value may travel towards the plane, and what it takes to get there; flat rows `[N, D]`, single values `[N, 1]`. */
interface Need {
  /** -1, 0 or 1: the way towards the plane. */
  readonly direction: Tensor;
  /** Magnitudes of the normal; the largest of a row is 1. */
  readonly weights: Tensor;
  /** Distance to the edge of the box; 0 where the weight is. */
  readonly room: Tensor;
  /** What the sum of weight times distance travelled has to come to; 0 in a row without weights. */
  readonly gap: Tensor;
}

function roomAlong(points: Tensor, normal: Tensor, offset: Tensor1D, [low, high]: Bounds): Need {
  const values = flatRows(points);
  const towards = mul(flatRows(normal), sub(1, mul(2, reshape(positive(offset), [-1, 1]))));
  const [up, down] = [positive(towards), positive(neg(towards))];
  const magnitudes = abs(towards);
  const largest = max(magnitudes, 1, true);
  const scale = maximum(largest, SMALLEST);
  return {
    direction: sub(up, down),
    weights: div(magnitudes, scale),
    room: add(mul(up, sub(high, values)), mul(down, sub(values, low))),
    gap: mul(minimum(div(reshape(abs(offset), [-1, 1]), scale), OUT_OF_REACH), positive(largest)),
  };
}

/**
 * Linf and L2: value i travels min(L s_i, room_i), with speed s of 1 and of its weight, for the smallest L that closes the gap.
 * The sum is concave and piecewise linear in L, so Newton's steps from 0 end on that L exactly, and never beyond it.
 */
function fillEvenly({ weights, room, gap }: Need, speed?: Tensor): Tensor {
  const gain = speed === undefined ? weights : mul(weights, speed);
  const reached = (level: Tensor): Tensor => (speed === undefined ? level : mul(speed, level));
  let level = zerosLike(gap);
  for (let step = 0; step < NEWTON_STEPS; step++) {
    level = tidy(() => {
      const reach = reached(level);
      const missing = relu(sub(gap, sum(mul(weights, minimum(reach, room)), 1, true)));
      const slope = sum(mul(gain, positive(sub(room, reach))), 1, true);
      return add(level, div(missing, maximum(slope, TINY)));
    });
  }
  return minimum(reached(level), room);
}

/**
 * L1: the largest weights use their room up, one after the other, until the gap is closed. Found without sorting: the
 * threshold above which weights are used up lies between `under` and `over`, halved until only equal weights lie there;
 * those share what is left.
 */
function spendGreedily({ weights, room, gap }: Need): Tensor {
  const worth = mul(weights, room);
  const above = (threshold: Tensor): Tensor => positive(sub(weights, threshold));
  let [under, over] = [zerosLike(gap), onesLike(gap)];
  for (let step = 0; step < HALVINGS; step++) {
    [under, over] = tidy(() => {
      const middle = div(add(under, over), 2);
      const closes = greaterEqual(sum(mul(worth, above(middle)), 1, true), gap);
      return [where(closes, middle, under), where(closes, over, middle)];
    });
  }
  const used = above(over);
  const next = sub(above(under), used);
  const left = sub(gap, sum(mul(worth, used), 1, true));
  const share = clipByValue(div(left, maximum(sum(mul(worth, next), 1, true), SMALLEST)), 0, 1);
  return mul(room, add(used, mul(next, share)));
}
