// 97.5 % quantile of the standard normal distribution.
const Z = 1.959963984540054;

/**
 * Wilson's 95 % interval for a share (Wilson, JASA 1927). Unlike the usual one it is sound near 0 and 1.
 *
 * @returns both ends, in [0, 1]; the whole of it where `n` is 0.
 */
export function wilson(correct: number, n: number): [low: number, high: number] {
  if (n === 0) return [0, 1];
  const share = correct / n;
  const weight = 1 + (Z * Z) / n;
  const center = (share + (Z * Z) / (2 * n)) / weight;
  const half = (Z / weight) * Math.sqrt((share * (1 - share)) / n + (Z * Z) / (4 * n * n));
  // At the ends the interval closes exactly; rounding must not push it past them.
  return [correct === 0 ? 0 : Math.max(0, center - half), correct === n ? 1 : Math.min(1, center + half)];
}
