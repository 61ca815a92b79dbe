/**
 * The exact two-sided p-value of McNemar's test: how likely a split of the discordant pairs at least as uneven as this one is
 * when either side is as likely as the other.
 *
 * @param onlyFirst pairs where only the first has the property.
 * @param onlySecond pairs where only the second has it.
 */
export function mcnemarExact(onlyFirst: number, onlySecond: number): number {
  const n = onlyFirst + onlySecond;
  const fewer = Math.min(onlyFirst, onlySecond);
  // In logarithms: 2^-n underflows from n = 1075.
  let logTerm = -n * Math.LN2;
  let tail = Math.exp(logTerm);
  for (let k = 1; k <= fewer; k++) {
    logTerm += Math.log((n - k + 1) / k);
    tail += Math.exp(logTerm);
  }
  return Math.min(1, 2 * tail);
}

const Z = 1.959963984540054;

/**
 * A 95 % interval for the difference of two shares measured on the same pairs: Wald's, after adding half a pair to each of
 * the four cells (Agresti and Min, Statistics in Medicine 24, 2005).
 *
 * @returns both ends for the first share minus the second.
 */
export function pairedInterval(onlyFirst: number, onlySecond: number, n: number): [low: number, high: number] {
  const [b, c, total] = [onlyFirst + 0.5, onlySecond + 0.5, n + 2];
  const difference = (b - c) / total;
  const half = (Z / total) * Math.sqrt(b + c - (b - c) ** 2 / total);
  return [Math.max(-1, difference - half), Math.min(1, difference + half)];
}
