/**
 * Moves positions apart until neighbours are `gap` from each other, near where they were and inside [low, high].
 * The order of equal positions is the order in which they came.
 */
export function spread(positions: readonly number[], gap: number, low: number, high: number): number[] {
  const order = positions.map((_, i) => i).sort((a, b) => positions[a]! - positions[b]! || a - b);
  const room = positions.length > 1 ? Math.min(gap, (high - low) / (positions.length - 1)) : gap;
  const moved = [...positions];
  let floor = low;
  for (const i of order) {
    moved[i] = Math.max(moved[i]!, floor);
    floor = moved[i] + room;
  }
  let ceiling = high;
  for (const i of order.reverse()) {
    moved[i] = Math.min(moved[i]!, ceiling);
    ceiling = moved[i] - room;
  }
  return moved;
}
