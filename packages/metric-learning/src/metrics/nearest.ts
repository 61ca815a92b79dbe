/** The `k` largest scores of a row, best first; equal scores in the order of their places. */
export function largest(scores: Float32Array, k: number, excluded = -1): Int32Array {
  const heap = new Int32Array(Math.min(k, scores.length - (excluded >= 0 && excluded < scores.length ? 1 : 0)));
  let held = 0;
  // The worst held stands at the root: a lower score, or the later of equals.
  const worse = (a: number, b: number): boolean => scores[a]! < scores[b]! || (scores[a] === scores[b] && a > b);
  const swap = (i: number, j: number): void => {
    [heap[i], heap[j]] = [heap[j]!, heap[i]!];
  };
  const sink = (from: number, size: number): void => {
    for (let i = from; ; ) {
      const left = 2 * i + 1;
      if (left >= size) return;
      const child = left + 1 < size && worse(heap[left + 1]!, heap[left]!) ? left + 1 : left;
      if (!worse(heap[child]!, heap[i]!)) return;
      swap(i, child);
      i = child;
    }
  };
  for (let i = 0; i < scores.length && heap.length > 0; i++) {
    if (i === excluded) continue;
    if (held < heap.length) {
      heap[held++] = i;
      if (held === heap.length) for (let j = (held >> 1) - 1; j >= 0; j--) sink(j, held);
    } else if (scores[i]! > scores[heap[0]!]!) {
      heap[0] = i;
      sink(0, held);
    }
  }
  return heap.sort((a, b) => (worse(a, b) ? 1 : -1));
}
