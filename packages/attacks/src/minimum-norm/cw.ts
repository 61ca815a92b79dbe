import type { Attack, Search } from '@robustjs/core';
import { add, clipByValue, div, log, mul, pow, sqrt, square, sub, sum, tanh, type Tensor, type Tensor1D, zerosLike } from '@tensorflow/tfjs-core';
import { marginObjective } from '../objectives.ts';
import { checkKnown, checkNorm } from '../options.ts';
import { flatRows, overRows } from '../rows.ts';
import { hingeOf } from './hinge.ts';
import { type Minimizer, searchConstants } from './trade-off.ts';
import { TRADE_OFF_OPTIONS, type TradeOff, type TradeOffOptions, tradeOffOf } from './trade-off-options.ts';

/** Options of {@link cw}; `alpha` is Adam's step, in the space of the hyperbolic arctangent. */
export type CwOptions = TradeOffOptions;

/**
 * Carlini and Wagner's minimum-norm attack under L2: minimizes the squared length plus a constant times the hinge of the
 * margin, with Adam, over inputs written as a hyperbolic tangent so that the box always holds, and searches the constant.
 * Lengths are measured in widths of the box. Slow: `binarySearchSteps * steps` gradients a row.
 *
 * Source: Carlini and Wagner, S&P 2017, section VI.A with f6, and the authors' code.
 *
 * @throws RobustError `RJS_ATTACK_OPTION`, and in the search `RJS_ATTACK_NORM`.
 */
export function cw(options: CwOptions = {}): Attack {
  checkKnown(options, TRADE_OFF_OPTIONS);
  const config = tradeOffOf(options);
  return {
    id: 'cw',
    config: { ...config },
    objective: marginObjective,
    async search(search) {
      checkNorm(search.threat, ['L2']);
      await searchConstants(search, config, adamInBox(search, config));
    },
  };
}

// Added to Adam's divisor. With the usual 1e-8 values at the bounds stand still: the slope of the tangent there is smaller.
const FLOOR = 1e-16;

/** Adam (Kingma and Ba, ICLR 2015, algorithm 1) over w with inputs `center + radius * tanh(w)`. */
function adamInBox(search: Search, { alpha, confidence }: TradeOff): Minimizer {
  const [low, high] = search.bounds;
  const [center, radius] = [(low + high) / 2, (high - low) / 2];
  const inputsAt = (squashed: Tensor): Tensor => clipByValue(add(mul(squashed, radius), center), low, high);
  return {
    start() {
      // A little less than the whole way to the bounds, where the hyperbolic arctangent is infinite.
      const inner = mul(div(sub(search.clean, center), radius), 0.999999);
      const w = mul(log(div(add(1, inner), sub(1, inner))), 0.5);
      // Distances are measured from what w stands for, as the authors do: from the clean input itself, Adam would blow up their rounding.
      return [w, zerosLike(w), zerosLike(w), inputsAt(tanh(w))];
    },
    step([w, mean, variance, origin], { constant, age }) {
      const squashed = tanh(w!);
      const inputs = inputsAt(squashed);
      const { outputs, gradient, ...seen } = search.differentiate(inputs, { probe: true });
      outputs.dispose();
      const hinge = hingeOf(seen, constant, confidence);
      const offset = div(sub(inputs, origin!), 2 * radius);
      const slope = mul(sub(div(offset, radius), mul(gradient, overRows(hinge.weight, gradient))), mul(sub(1, square(squashed)), radius));
      const nextMean = add(mul(mean!, 0.9), mul(slope, 0.1));
      const nextVariance = add(mul(variance!, 0.999), mul(square(slope), 0.001));
      const steps = add(age, 1);
      const scale = overRows(sqrt(sub<Tensor1D>(1, pow(0.999, steps))), slope);
      const moved = div(nextMean, add(div(sqrt(nextVariance), scale), FLOOR));
      const rate = overRows(div(alpha, sub(1, pow(0.9, steps))), moved);
      const squared = sum<Tensor1D>(square(flatRows(offset)), 1);
      return {
        state: [sub(w!, mul(moved, rate)), nextMean, nextVariance, origin!],
        inputs,
        confident: hinge.confident,
        loss: add(squared, hinge.loss),
        distances: squared,
      };
    },
  };
}
