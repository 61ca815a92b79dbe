/** Two arms on the same queries under the same seeds. */
export interface PairedSeeds {
  /** Mean over seeds and queries. */
  readonly difference: number;
  /** 95 % interval over seeds and queries. */
  readonly ci95: readonly [low: number, high: number];
  readonly seeds: number;
  readonly queries: number;
}

// Student's t at 97.5 % by degrees of freedom, from 1 on; close to its limit after that.
const T = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262];
const quantile = (degrees: number): number => T[degrees - 1] ?? 1.96 + 2.4 / degrees;

/**
 * The mean of a value that each seed gives each query, such as a hit of one arm minus one of another. The half width of the interval adds what
 * other seeds would change (Student's t over the means of seeds) and what other queries would (normal, over the means of queries), in squares:
 * a little wide, as chance within a cell counts in both. A single seed says nothing of others, so its interval is everything.
 *
 * @param values by seed, then by query.
 */
export function pairedOverSeeds(values: readonly (readonly number[])[]): PairedSeeds {
  const [seeds, queries] = [values.length, values[0]?.length ?? 0];
  const bySeed = values.map(mean);
  const byQuery = Array.from({ length: queries }, (_, query) => mean(values.map((row) => row[query]!)));
  const difference = mean(bySeed);
  const half = seeds < 2 ? Infinity : Math.hypot(quantile(seeds - 1) * deviation(bySeed) / Math.sqrt(seeds), 1.96 * deviation(byQuery) / Math.sqrt(queries));
  return { difference, ci95: [difference - half, difference + half], seeds, queries };
}

/** The mean; 0 of nothing. */
export const mean = (values: readonly number[]): number => (values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length);

/** The deviation of a sample; 0 of fewer than two. */
export function deviation(values: readonly number[]): number {
  const middle = mean(values);
  return values.length < 2 ? 0 : Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1));
}
