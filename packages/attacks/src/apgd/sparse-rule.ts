import type { Search } from '@robustjs/core';
import { cast, clipByValue, div, fill, less, mul, notEqual, type Rank, sub, sum, type Tensor, type Tensor1D, where } from '@tensorflow/tfjs-core';
import { flatRows, rowSize } from '../rows.ts';
import type { Rule } from './climb.ts';
import { overRowsOnHost, sparseStep } from './l1-step.ts';
import { sparseWindow } from './schedule.ts';

/** Share of the values that the first steps from noise move. */
const FIRST_SHARE = 0.2;
/** What a step is divided by where the perturbation no longer grows sparser, how often at most, and what counts as sparser. */
const [DIVISOR, SHORTEST, SPARSER] = [1.5, 1 / 10, 0.95];

type Own = readonly [lengths: Tensor1D, shares: Tensor1D, changed: Tensor1D];

/**
 * Steps of APGD in L1 (Croce and Hein, ICML 2021, algorithm 1): along the signs of the largest gradient values only, as many
 * as the best perturbation changes over 1.5, and projected onto ball and box at once. Where the perturbation has grown
 * sparser, the step is as long as the budget again and the row goes on from its best; elsewhere it shrinks.
 *
 * @param eps budget of this phase.
 * @param given whether the rows start at a perturbation that says how many values to move.
 */
export function sparseRule(search: Search, { eps, steps, given }: { eps: number; steps: number; given: boolean }): Rule {
  const window = sparseWindow(steps);
  const size = rowSize(search.clean);
  const count = (inputs: Tensor): Tensor1D => sum(cast(notEqual(flatRows(sub(inputs, search.clean)), 0), 'float32'), 1);
  const shareOf = (changed: Tensor1D): Tensor1D => mul(changed, 1 / size / DIVISOR);
  return {
    begin({ inputs, values: { shape } }) {
      const changed = given ? count(inputs) : fill<Rank.R1>(shape, size);
      return [fill(shape, eps), given ? shareOf(changed) : fill(shape, FIRST_SHARE), changed];
    },
    propose({ inputs, gradient }, own) {
      const [lengths, shares] = own as Own;
      return overRowsOnHost(search, [inputs, gradient], [lengths, shares], ([x, slopes], [length, share], clean, box) =>
        sparseStep({ x: x!, slopes: slopes!, clean, length: length!, share: share!, eps, box }));
    },
    learn(_before, { best }, own, step) {
      const [lengths, , before] = own as Own;
      if (step % window !== 0) return { own };
      const changed = count(best);
      const sparser = less<Tensor1D>(div(changed, before), SPARSER);
      const shorter = clipByValue(mul(lengths, 1 / DIVISOR), eps * SHORTEST, eps);
      return { own: [where(sparser, fill(lengths.shape, eps), shorter), shareOf(changed), changed], restart: sparser };
    },
  };
}
