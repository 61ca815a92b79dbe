import type { Miner } from '../types.ts';
import { pickOne, spaceOf } from './space.ts';

/**
 * With this probability a triplet becomes one that pushes two examples of a class apart: the anchor is its own positive, and a random
 * example of its class the negative (Roth et al., ICML 2020, section 5).
 */
export const withRhoRegularization = (miner: Miner, probability = 0.2): Miner => (input) => {
  const { anchors, positives, negatives } = miner(input);
  const space = spaceOf(input);
  const draws = input.random.split('rho').uniform(2 * anchors.length);
  const turned = (i: number): boolean => draws[2 * i]! < probability;
  return {
    anchors,
    positives: positives.map((positive, i) => (turned(i) ? anchors[i]! : positive)),
    negatives: negatives.map((negative, i) => (turned(i) ? pickOne(space.positives(anchors[i]!), draws[2 * i + 1]!) : negative)),
  };
};
