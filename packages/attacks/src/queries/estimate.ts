import type { Search } from '@robustjs/core';
import { add, dispose, div, mul, sub, type Tensor, tidy, zerosLike } from '@tensorflow/tfjs-core';
import { overRows } from '../rows.ts';

/**
 * The gradient of the objective from differences of its values: the mean over `pairs` random directions u of
 * `(L(x + radius u) - L(x - radius u)) / (2 radius) u`, two queries a pair (NES with antithetic sampling; SPSA).
 *
 * @param draw the directions of one pair, one a row.
 */
export function estimatedGradient(search: Search, inputs: Tensor, pairs: number, radius: number, draw: (pair: number) => Tensor): Tensor {
  let total = zerosLike(inputs);
  for (let pair = 0; pair < pairs; pair++) {
    const direction = draw(pair);
    const [up, down] = [1, -1].map((sign) => {
      const point = tidy(() => add(inputs, mul(direction, sign * radius)));
      const values = search.query(point, { probe: true });
      point.dispose();
      return values;
    }) as [Tensor, Tensor];
    const next = tidy(() => add(total, mul(direction, overRows(sub(up, down), direction))));
    dispose([total, direction, up, down]);
    total = next;
  }
  const mean = div(total, 2 * radius * pairs);
  total.dispose();
  return mean;
}
