import { add, cast, greater, mul, sub, tidy } from '@tensorflow/tfjs-core';
import type { Moves } from './moves.ts';
import { windowSide } from './schedule.ts';
import { cornerAt, signsOf, windows } from './windows.ts';

/**
 * Linf: images stay at clean - eps or clean + eps. They start as vertical stripes, and a query sets a square of each channel
 * to one of the two (Andriushchenko et al., ECCV 2020, algorithm 2).
 */
export const squares: Moves = {
  side: windowSide,
  async start(search, [, width, channels], random) {
    return tidy(() => {
      const draws = random.uniformRows(search.ids, [1, width, channels]);
      const signs = sub(mul(cast(greater(draws, 0.5), 'float32'), 2), 1);
      return search.project(add(search.clean, mul(signs, search.threat.eps)));
    });
  },
  async propose(search, best, shape, side, random) {
    const draws = Array.from(search.ids, (id) => random.split(id).uniform(2 + shape[2]));
    const corners = draws.map(([down = 0, across = 0]) => cornerAt(down, across, side, shape));
    // From either of the two values, 2 eps leads to the other one or, projected, back.
    const changes = draws.map((draw) => signsOf(draw.subarray(2)).map((sign) => 2 * sign * search.threat.eps));
    return tidy(() => search.project(add(best, windows(corners, side, shape, changes))));
  },
};
