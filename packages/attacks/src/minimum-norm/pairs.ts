/**
 * The pair of values p < q that maximizes (a_p + a_q)(c_p + c_q), both sums above zero (Papernot et al., EuroS&P 2016,
 * algorithm 3, with c the opposite of what the other outputs gain). The result is that of trying all pairs, in time
 * O(d log d) and memory O(d): a value that two others exceed or equal in both numbers is in no better pair than one of
 * theirs, so only those with at most one above them are tried in pairs.
 *
 * @param a slope of the target, one number an input value; NaN where the value may not be used.
 * @param c opposite slope of all others together.
 * @returns undefined where no pair has both sums above zero.
 */
export function bestPair(a: ArrayLike<number>, c: ArrayLike<number>): readonly [number, number] | undefined {
  const candidates = unsurpassed(a, c);
  let best: readonly [number, number] | undefined;
  let most = 0;
  candidates.forEach((p, i) => {
    for (const q of candidates.slice(i + 1)) {
      const [gain, loss] = [a[p]! + a[q]!, c[p]! + c[q]!];
      if (gain <= 0 || loss <= 0 || gain * loss <= most) continue;
      most = gain * loss;
      best = p < q ? [p, q] : [q, p];
    }
  });
  return best;
}

/** The places of values that at most one other surpasses. */
function unsurpassed(a: ArrayLike<number>, c: ArrayLike<number>): number[] {
  const places = Array.from({ length: a.length }, (_, i) => i).filter((i) => !Number.isNaN(a[i]!));
  places.sort((p, q) => a[q]! - a[p]! || c[q]! - c[p]! || p - q);
  let [highest, second] = [-Infinity, -Infinity];
  return places.filter((place) => {
    const value = c[place]!;
    if (value <= second) return false;
    [highest, second] = value > highest ? [value, highest] : [highest, value];
    return true;
  });
}
