import type { Miner, Triplets } from '../types.ts';
import { type Space, spaceOf, tripletsOf } from './space.ts';

/** Every triplet that a batch has. */
export const allTriplets: Miner = (input) => tripletsOf(everyTriple(spaceOf(input)));

/** Every triple of a space. */
export function everyTriple(space: Space): [number, number, number][] {
  return Array.from({ length: space.size }, (_, anchor) => {
    const [positives, negatives] = [space.positives(anchor), space.negatives(anchor)];
    return positives.flatMap((positive) => negatives.map((negative): [number, number, number] => [anchor, positive, negative]));
  }).flat();
}

/** As many random triplets as the batch has examples, each at most once (Roth et al.). */
export const randomTriplets: Miner = (input) => {
  const triples = everyTriple(spaceOf(input));
  const order = input.random.split('random-triplets').permutation(triples.length);
  return tripletsOf([...order.subarray(0, input.labels.length)].map((i) => triples[i]!));
};

/** Which triplets {@link byMargin} keeps, by the gap between negative and positive. */
export type MarginKind = 'all' | 'hard' | 'semi-hard' | 'easy';

/**
 * Triplets by how far the negative is behind the positive: `all` up to the margin, `hard` none or less, `semi-hard` between, `easy` beyond.
 *
 * @param margin default 0.2.
 */
export function byMargin(kind: MarginKind, margin = 0.2): Miner {
  const keeps: Readonly<Record<MarginKind, (gap: number) => boolean>> = {
    all: (gap) => gap <= margin,
    hard: (gap) => gap <= 0,
    'semi-hard': (gap) => gap > 0 && gap <= margin,
    easy: (gap) => gap > margin,
  };
  return (input) => {
    const space = spaceOf(input);
    return filtered(space, ([a, p, n]) => keeps[kind](space.distance(a, n) - space.distance(a, p)));
  };
}

const filtered = (space: Space, keep: (triple: [number, number, number]) => boolean): Triplets => tripletsOf(everyTriple(space).filter(keep));
