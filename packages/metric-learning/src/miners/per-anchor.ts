import type { Miner } from '../types.ts';
import { pickOne, type Space, spaceOf, tripletsOf } from './space.ts';

/** Chooses positive and negative of one anchor; undefined: it has no triplet. */
type Choice = (space: Space, anchor: number, draws: Float32Array) => readonly [positive: number, negative: number] | undefined;

/** At most one triplet an anchor; anchors without a positive or a negative have none. */
const perAnchor = (name: string, choose: Choice): Miner => (input) => {
  const space = spaceOf(input);
  return tripletsOf(
    Array.from({ length: space.size }, (_, anchor) => anchor).flatMap((anchor): [number, number, number][] => {
      if (space.positives(anchor).length === 0 || space.negatives(anchor).length === 0) return [];
      const choice = choose(space, anchor, input.random.split(name, anchor).uniform(2));
      return choice === undefined ? [] : [[anchor, ...choice]];
    }),
  );
};

const extreme = (list: readonly number[], value: (i: number) => number): number => list.reduce((a, b) => (value(b) > value(a) ? b : a));

/** The farthest positive and the nearest negative of each anchor (Hermans, Beyer, Leibe 2017). */
export const batchHard: Miner = perAnchor('batch-hard', (space, anchor) => [
  extreme(space.positives(anchor), (i) => space.distance(anchor, i)),
  extreme(space.negatives(anchor), (i) => -space.distance(anchor, i)),
]);

/**
 * A random positive, and a random negative that is farther but within the margin; without one, any negative (Schroff et al., section 3.2, as
 * Roth et al. run it).
 *
 * @param margin default 0.2.
 */
export const semiHard = (margin = 0.2): Miner =>
  perAnchor('semi-hard', (space, anchor, draws) => {
    const positive = pickOne(space.positives(anchor), draws[0]!);
    const near = space.distance(anchor, positive);
    const negatives = space.negatives(anchor);
    const between = negatives.filter((i) => space.distance(anchor, i) > near && space.distance(anchor, i) < near + margin);
    return [positive, pickOne(between.length > 0 ? between : negatives, draws[1]!)];
  });

/** A random negative nearer than the farthest positive, and a random positive farther than the nearest negative (Roth et al.). */
export const softHard: Miner = perAnchor('soft-hard', (space, anchor, draws) => {
  const [positives, negatives] = [space.positives(anchor), space.negatives(anchor)];
  const distance = (i: number): number => space.distance(anchor, i);
  const farthest = Math.max(...positives.map(distance));
  const nearest = Math.min(...negatives.map(distance));
  const hardPositives = positives.filter((i) => distance(i) > nearest);
  const hardNegatives = negatives.filter((i) => distance(i) < farthest);
  return [pickOne(hardPositives.length > 0 ? hardPositives : positives, draws[0]!), pickOne(hardNegatives.length > 0 ? hardNegatives : negatives, draws[1]!)];
});

/** Options of {@link distanceWeighted}. */
export interface DistanceWeightedOptions {
  /** Distances below count as this much. Default 0.5. */
  readonly cutoff?: number;
  /** Negatives at this distance or beyond are never chosen; an anchor without others has no triplet. PyTorch Metric Learning takes 1.4. Absent: no such bound. */
  readonly farthest?: number;
}

/**
 * A random positive, and a negative by one over the density of distances on the sphere, so that all distances are equally likely.
 *
 * Source: Wu, Manmatha, Smola, Krähenbühl, ICCV 2017, equation 3.
 */
export const distanceWeighted = (options: DistanceWeightedOptions = {}): Miner => (input) =>
  perAnchor('distance-weighted', (space, anchor, draws) => {
    const negatives = space.negatives(anchor);
    const weights = distanceWeights(negatives.map((i) => space.distance(anchor, i)), input.dimensions, options);
    const total = weights.reduce((a, b) => a + b, 0);
    if (total === 0) return undefined;
    let left = draws[1]! * total;
    const chosen = weights.findIndex((weight) => (left -= weight) < 0);
    return [pickOne(space.positives(anchor), draws[0]!), negatives[chosen < 0 ? weights.findLastIndex((weight) => weight > 0) : chosen]!];
  })(input);

/** Weights of distances, the largest 1: one over `r^(d-2) (1 - r^2 / 4)^((d-3) / 2)`. */
export function distanceWeights(distances: readonly number[], dimensions: number, { cutoff = 0.5, farthest = Infinity }: DistanceWeightedOptions = {}): number[] {
  const logs = distances.map((distance) => {
    if (distance >= farthest) return -Infinity;
    // At distance 2 the density is zero, and its inverse has no bound.
    const r = Math.min(Math.max(distance, cutoff), 2 - 1e-6);
    return (2 - dimensions) * Math.log(r) - ((dimensions - 3) / 2) * Math.log(1 - (r * r) / 4);
  });
  const largest = Math.max(...logs);
  return logs.map((log) => (largest === -Infinity ? 0 : Math.exp(log - largest)));
}
