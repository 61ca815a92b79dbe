/** How far a value may go up and down. */
export interface Box {
  readonly low: number;
  readonly high: number;
}

/**
 * Projects a perturbation, in place, onto the perturbations of L1 length at most `eps` that stay in the box: the nearest one
 * of those that hold both, not one after the other (Croce and Hein, ICML 2021, proposition 2.1). It is the one
 * `sign(y) clip(|y| - t, 0, room)` with the smallest threshold t >= 0 that adds up to no more than `eps`.
 *
 * @param moves the perturbation, one number an input value.
 * @param clean the values it is added to.
 */
export function projectOntoL1Box(moves: Float64Array, clean: ArrayLike<number>, eps: number, box: Box): void {
  const size = moves.length;
  const rooms = new Float64Array(size);
  let largest = 0;
  for (let i = 0; i < size; i++) {
    rooms[i] = moves[i]! > 0 ? box.high - clean[i]! : clean[i]! - box.low;
    largest = Math.max(largest, Math.abs(moves[i]!));
  }
  const threshold = lengthAt(moves, rooms, 0).length <= eps ? 0 : thresholdFor(moves, rooms, eps, largest);
  for (let i = 0; i < size; i++) {
    const kept = Math.min(Math.max(Math.abs(moves[i]!) - threshold, 0), rooms[i]!);
    moves[i] = moves[i]! > 0 ? kept : -kept;
  }
}

/** L1 length after a threshold, and how many values still shrink as it grows. */
function lengthAt(moves: Float64Array, rooms: Float64Array, threshold: number): { length: number; shrinking: number } {
  let [length, shrinking] = [0, 0];
  for (let i = 0; i < moves.length; i++) {
    const rest = Math.abs(moves[i]!) - threshold;
    if (rest <= 0) continue;
    if (rest > rooms[i]!) length += rooms[i]!;
    else {
      length += rest;
      shrinking++;
    }
  }
  return { length, shrinking };
}

// Steps that always suffice: a bisection of doubles ends before.
const MOST = 128;

/**
 * The length falls with the threshold, in straight pieces: Newton's method ends on the root's piece. A step out of what is
 * known to hold the root is replaced by a bisection.
 */
function thresholdFor(moves: Float64Array, rooms: Float64Array, eps: number, largest: number): number {
  let [below, above] = [0, largest];
  let threshold = 0;
  for (let step = 0; step < MOST && below < above; step++) {
    const { length, shrinking } = lengthAt(moves, rooms, threshold);
    const excess = length - eps;
    if (excess > 0) below = threshold;
    else above = threshold;
    if (Math.abs(excess) <= 1e-12 * eps) return threshold;
    const newton = threshold + excess / shrinking;
    const inside = newton > below && newton < above;
    const next = inside ? newton : (below + above) / 2;
    if (next === threshold || next === below || next === above) break;
    threshold = next;
  }
  return above;
}
