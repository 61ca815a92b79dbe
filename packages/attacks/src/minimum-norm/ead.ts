import type { Attack, Search } from '@robustjs/core';
import { abs, add, clipByValue, div, mul, relu, sqrt, square, sub, sum, type Tensor, type Tensor1D } from '@tensorflow/tfjs-core';
import { marginObjective } from '../objectives.ts';
import { checkKnown, checkNonNegative, checkNorm, checkOneOf } from '../options.ts';
import { flatRows, overRows } from '../rows.ts';
import { hingeOf } from './hinge.ts';
import { type Minimizer, searchConstants } from './trade-off.ts';
import { TRADE_OFF_OPTIONS, type TradeOff, type TradeOffOptions, tradeOffOf } from './trade-off-options.ts';

/** Options of {@link ead}; `alpha` is the first step of descent, and falls to 0 along a square root. */
export interface EadOptions extends TradeOffOptions {
  /** What the L1 length counts beside the squared L2 length. Default 0.001; Foolbox takes 0.01. */
  readonly beta?: number;
  /** Which adversarial input is the nearest: by the elastic net `beta * L1 + L2^2`, or by L1 alone. Default `'EN'`. */
  readonly decision?: 'EN' | 'L1';
}

/**
 * Elastic-net attack, a minimum-norm attack under L1: minimizes `L2^2 + beta * L1` plus a constant times the hinge of the
 * margin, by iterative shrinkage with momentum, and searches the constant. Lengths are measured in widths of the box. What
 * is shrunk away is `beta`, as in the authors' code; the paper's proximal step would take the step length times `beta`.
 *
 * Source: Chen et al., AAAI 2018, algorithm 1, and the authors' code.
 *
 * @throws RobustError `RJS_ATTACK_OPTION`, and in the search `RJS_ATTACK_NORM`.
 */
export function ead(options: EadOptions = {}): Attack {
  checkKnown(options, [...TRADE_OFF_OPTIONS, 'beta', 'decision']);
  const { beta: asked = 0.001, decision: rule = 'EN', ...rest } = options;
  const config = tradeOffOf(rest);
  const beta = checkNonNegative('beta', asked);
  const decision = checkOneOf('decision', rule, ['EN', 'L1']);
  return {
    id: 'ead',
    config: { ...config, beta, decision },
    objective: marginObjective,
    async search(search) {
      checkNorm(search.threat, ['L1']);
      await searchConstants(search, config, shrinkage(search, config, beta, decision));
    },
  };
}

/** Iterative shrinkage-thresholding with momentum: x is what it proposes, y where it takes the gradient. */
function shrinkage(search: Search, { alpha, steps, confidence }: TradeOff, beta: number, decision: 'EN' | 'L1'): Minimizer {
  const [low, high] = search.bounds;
  const width = high - low;
  return {
    start: () => [search.clean.clone(), search.clean.clone()],
    step([x, y], { constant, age }) {
      const { outputs, gradient, ...ahead } = search.differentiate(y!, { probe: true });
      outputs.dispose();
      const pull = mul(gradient, overRows(mul(hingeOf(ahead, constant, confidence).weight, width ** 2), gradient));
      const slope = sub(mul(sub(y!, search.clean), 2), pull);
      // Polynomial decay of power one half, from alpha to 0.
      const rate = mul(sqrt(relu(sub(1, div(age, steps)))), alpha);
      const inputs = clipByValue(shrunk(sub(y!, mul(slope, overRows(rate, slope))), search.clean, beta * width), low, high);
      const momentum = div(age, add(age, 3));
      const seen = search.look(inputs, { probe: true });
      const { confident, loss } = hingeOf(seen, constant, confidence);
      const offset = flatRows(div(sub(inputs, search.clean), width));
      const length = sum<Tensor1D>(abs(offset), 1);
      const net = add<Tensor1D>(sum<Tensor1D>(square(offset), 1), mul(length, beta));
      return {
        state: [inputs, add(inputs, mul(sub(inputs, x!), overRows(momentum, inputs)))],
        inputs,
        confident,
        loss: add(net, loss),
        distances: decision === 'EN' ? net : length,
      };
    },
  };
}

/** Nearer to the clean input by `threshold`, value by value; what is that near becomes the clean value, to the bit. */
function shrunk(inputs: Tensor, clean: Tensor, threshold: number): Tensor {
  const offset = sub(inputs, clean);
  return add(clean, sub(offset, clipByValue(offset, -threshold, threshold)));
}
