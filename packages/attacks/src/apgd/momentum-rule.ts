import type { Search } from '@robustjs/core';
import {
  add, cast, fill, greater, greaterEqual, lessEqual, logicalAnd, logicalNot, logicalOr, mul, onesLike, type Tensor, type Tensor1D, zerosLike,
} from '@tensorflow/tfjs-core';
import { chooseRows } from '../rows.ts';
import { momentumStep, projectedStep } from '../step.ts';
import type { Rule } from './climb.ts';
import { RHO, windows } from './schedule.ts';

// Share of the plain step in a step with momentum; alpha in the paper's equation 1.
const PLAIN = 0.75;

type Own = readonly [previous: Tensor, rises: Tensor1D, checked: Tensor1D, halved: Tensor1D, lengths: Tensor1D];

/**
 * Steps of APGD in Linf and L2 (Croce and Hein, ICML 2020, algorithm 1): steepest steps with momentum, of a length that
 * begins at twice the budget and is halved at a checkpoint where too few steps of its window raised the objective, or where
 * the best has not moved since the last checkpoint and the length stayed; from there on the row goes on from its best.
 *
 * Paper and code differ in the first window: the code compares the first step with zero, which is not an objective; here it
 * is compared with the start, as in the paper. "Too few" includes the bound itself, as in the code.
 */
export function momentumRule(search: Search, steps: number): Rule {
  const atCheckpoint = windows(steps);
  return {
    begin: ({ inputs, values, bestValues }) => [
      inputs, zerosLike(values), bestValues, cast(onesLike(values), 'bool'), fill(values.shape, 2 * search.threat.eps),
    ],
    propose({ inputs, gradient }, own, step) {
      const [previous, , , , lengths] = own as Own;
      return step === 1 ? projectedStep(search, inputs, gradient, lengths) : momentumStep(search, inputs, gradient, lengths, { previous, plain: PLAIN });
    },
    learn(before, after, own, step) {
      const [, counted, checked, halved, lengths] = own as Own;
      const rises = add<Tensor1D>(counted, cast(greater(after.values, before.values), 'float32'));
      const window = atCheckpoint.get(step);
      if (window === undefined) return { own: [before.inputs, rises, checked, halved, lengths] };
      const tooFew = lessEqual(rises, RHO * window);
      const stalled = logicalAnd(logicalNot(halved), greaterEqual(checked, after.bestValues));
      const halve = logicalOr<Tensor1D>(tooFew, stalled);
      return { own: [before.inputs, zerosLike(rises), after.bestValues, halve, chooseRows(halve, mul(lengths, 0.5), lengths)], restart: halve };
    },
  };
}
