import { Four, get, One, put } from './lanes';
import { largest } from './largest';

/*
 * The shortest displacement of each row onto a plane in the box, under Linf and L2, for FAB. Operations and their order are those of the
 * composition of ordinary ones; what is left out would change nothing any more.
 */

/** See attacks' fab/project.ts. */
const NEWTON_STEPS = 12;
const SMALLEST: f32 = 1e-37;
const TINY: f32 = 1e-12;
const OUT_OF_REACH: f32 = 1e15;

/** With `weighted` (L2) values travel in proportion to their weights, else (Linf) alike. `held`: scratch for two rows. */
export function planeDisplacement(
  rows: i32, size: i32, points: usize, normal: usize, offset: usize, weighted: bool, low: f32, high: f32, held: usize, to: usize,
): void {
  const line = <usize>size << 2;
  for (let row = 0; row < rows; row++, offset += 4) {
    const distance = load<f32>(offset);
    const side: f32 = distance > 0 ? -1 : 1;
    const top = largest(size, normal);
    const scale = max<f32>(top, SMALLEST);
    const gap = min<f32>(abs<f32>(distance) / scale, OUT_OF_REACH) * (top > 0 ? 1 : 0);
    needs(size, points, normal, side, scale, low, high, held, held + line);
    const level = levelOf(size, held, held + line, gap, weighted);
    travel(size, normal, side, held, held + line, level, weighted, to);
    points += line;
    normal += line;
    to += line;
  }
}

// @ts-ignore: decorator
@inline
function positive(value: v128): v128 {
  return v128.and(f32x4.gt(value, f32x4.splat(0)), f32x4.splat(1));
}

/** Magnitudes of the normal over the largest, and the way that each value has to the edge of the box. */
function needs(size: i32, points: usize, normal: usize, side: f32, scale: f32, low: f32, high: f32, weights: usize, room: usize): void {
  const end = weights + (<usize>size << 2);
  for (; weights + 16 <= end; weights += 16, room += 16, points += 16, normal += 16) needsOf<Four>(points, normal, side, scale, low, high, weights, room);
  for (; weights < end; weights += 4, room += 4, points += 4, normal += 4) needsOf<One>(points, normal, side, scale, low, high, weights, room);
}

// @ts-ignore: decorator
@inline
function needsOf<T>(points: usize, normal: usize, side: f32, scale: f32, low: f32, high: f32, weights: usize, room: usize): void {
  const towards = f32x4.mul(get<T>(normal), f32x4.splat(side));
  const value = get<T>(points);
  put<T>(weights, f32x4.div(f32x4.abs(towards), f32x4.splat(scale)));
  const up = f32x4.mul(positive(towards), f32x4.sub(f32x4.splat(high), value));
  const down = f32x4.mul(positive(f32x4.neg(towards)), f32x4.sub(value, f32x4.splat(low)));
  put<T>(room, f32x4.add(up, down));
}

/** Newton's steps; a level that one leaves as it is all others leave. */
function levelOf(size: i32, weights: usize, room: usize, gap: f32, weighted: bool): f32 {
  let level: f32 = 0;
  const end = weights + (<usize>size << 2);
  const over = room - weights;
  for (let step = 0; step < NEWTON_STEPS; step++) {
    let closed: f32 = 0;
    let slope: f32 = 0;
    let at = weights;
    for (; at + 16 <= end; at += 16) {
      const parts = closedBy<Four>(at, at + over, level, weighted);
      closed = closed + f32x4.extract_lane(parts, 0) + f32x4.extract_lane(parts, 1) + f32x4.extract_lane(parts, 2) + f32x4.extract_lane(parts, 3);
      const gains = gainedBy<Four>(at, at + over, level, weighted);
      slope = slope + f32x4.extract_lane(gains, 0) + f32x4.extract_lane(gains, 1) + f32x4.extract_lane(gains, 2) + f32x4.extract_lane(gains, 3);
    }
    for (; at < end; at += 4) {
      closed += f32x4.extract_lane(closedBy<One>(at, at + over, level, weighted), 0);
      slope += f32x4.extract_lane(gainedBy<One>(at, at + over, level, weighted), 0);
    }
    const next = level + max<f32>(gap - closed, 0) / max<f32>(slope, TINY);
    if (next == level || next != next) return next;
    level = next;
  }
  return level;
}

// @ts-ignore: decorator
@inline
function reachOf(weight: v128, level: f32, weighted: bool): v128 {
  return weighted ? f32x4.mul(weight, f32x4.splat(level)) : f32x4.splat(level);
}

// @ts-ignore: decorator
@inline
function closedBy<T>(weights: usize, room: usize, level: f32, weighted: bool): v128 {
  const weight = get<T>(weights);
  return f32x4.mul(weight, f32x4.min(reachOf(weight, level, weighted), get<T>(room)));
}

// @ts-ignore: decorator
@inline
function gainedBy<T>(weights: usize, room: usize, level: f32, weighted: bool): v128 {
  const weight = get<T>(weights);
  const gain = weighted ? f32x4.mul(weight, weight) : weight;
  return f32x4.mul(gain, positive(f32x4.sub(get<T>(room), reachOf(weight, level, weighted))));
}

function travel(size: i32, normal: usize, side: f32, weights: usize, room: usize, level: f32, weighted: bool, to: usize): void {
  const end = to + (<usize>size << 2);
  for (; to + 16 <= end; to += 16, normal += 16, weights += 16, room += 16) travelOf<Four>(normal, side, weights, room, level, weighted, to);
  for (; to < end; to += 4, normal += 4, weights += 4, room += 4) travelOf<One>(normal, side, weights, room, level, weighted, to);
}

// @ts-ignore: decorator
@inline
function travelOf<T>(normal: usize, side: f32, weights: usize, room: usize, level: f32, weighted: bool, to: usize): void {
  const towards = f32x4.mul(get<T>(normal), f32x4.splat(side));
  const direction = f32x4.sub(positive(towards), positive(f32x4.neg(towards)));
  put<T>(to, f32x4.mul(direction, f32x4.min(reachOf(get<T>(weights), level, weighted), get<T>(room))));
}
