import type { Attack, Objective, Search } from '@robustjs/core';
import {
  add, cast, clipByValue, dispose, fill, greater, less, lessEqual, logicalAnd, logicalNot, mul, oneHot, type Rank, reshape, slice, softmax, stack,
  sub, sum, type Tensor, type Tensor1D, type Tensor2D, tensor2d, tidy, where,
} from '@tensorflow/tfjs-core';
import { marginObjective } from '../objectives.ts';
import { checkKnown, checkNorm, checkOneOf, checkProbability, checkSigned, checkWhole } from '../options.ts';
import { rivalsAtClean } from '../planes.ts';
import { chooseRows, flatRows, rowSize } from '../rows.ts';
import { channelCount } from '../threats/l0.ts';
import { type Nearest, nearer, nothingFound, offerNearest } from './nearest.ts';
import { bestPair } from './pairs.ts';

/** Options of {@link jsma}. */
export interface JsmaOptions {
  /** How far a value moves at once, as a share of the width of the box, in [-1, 1] but not 0; below 0, values fall. Default 1. */
  readonly theta?: number;
  /** Share of the values that may change, in (0, 1]. Default 0.1. */
  readonly gamma?: number;
  /** What the saliency is the slope of: logits, or probabilities as in the paper, which vanish on sure models. Default `'logits'`. */
  readonly saliency?: 'logits' | 'probabilities';
  /** Without targets: how many other classes are tried as target, the likeliest at the clean input first. Default 1. */
  readonly classes?: number;
}

/**
 * Jacobian-based saliency map attack, under L0: moves the pair of values that helps the target most against all other
 * classes, pair after pair, until the class changes or `gamma` of the values did. Values at the bound are out. Without targets
 * it moves towards the likeliest other classes. With a finite eps a pair that would change too many pixels is not taken.
 *
 * All pairs are compared, though not one by one (see `bestPair`), on the host: two slopes a value are read in each step.
 *
 * Source: Papernot et al., EuroS&P 2016, algorithms 2 and 3.
 *
 * @throws RobustError `RJS_ATTACK_OPTION`, and in the search `RJS_ATTACK_NORM`, `RJS_ATTACK_CLASSES`.
 */
export function jsma(options: JsmaOptions = {}): Attack {
  checkKnown(options, ['theta', 'gamma', 'saliency', 'classes']);
  const theta = checkSigned('theta', options.theta ?? 1);
  const gamma = checkProbability('gamma', options.gamma ?? 0.1);
  const saliency = checkOneOf('saliency', options.saliency ?? 'logits', ['logits', 'probabilities']);
  const classes = checkWhole('classes', options.classes ?? 1, 1);
  return {
    id: 'jsma',
    config: { theta, gamma, saliency, classes },
    objective: marginObjective,
    async search(search) {
      checkNorm(search.threat, ['L0']);
      const targets = search.targeted ? reshape<Rank.R2>(search.goals, [-1, 1]) : await rivalsAtClean(search, classes);
      let state: State = { targets, inputs: search.clean.clone(), nearest: nothingFound(search.clean) };
      for (let rank = 0; rank < targets.shape[1] && search.rows > 0; rank++) {
        state = await towards(search, state, rank, { theta, gamma, saliency });
      }
      offerNearest(search, state.nearest, state.inputs);
      dispose(flat(state));
    },
  };
}

type Rules = Required<Omit<JsmaOptions, 'classes'>>;

interface State {
  /** Classes to try by rank, `[N, R]`. */
  readonly targets: Tensor2D;
  readonly inputs: Tensor;
  readonly nearest: Nearest;
}

const flat = ({ targets, inputs, nearest }: State): [Tensor2D, Tensor, Tensor, Tensor1D] => [targets, inputs, nearest.inputs, nearest.distances];

/** From the clean inputs towards the targets of one rank. Takes over the state. */
async function towards(search: Search, state: State, rank: number, rules: Rules): Promise<State> {
  const most = stepsAtMost(search, rules);
  state.inputs.dispose();
  let now: State = { ...state, inputs: search.clean.clone() };
  for (let step = 0; step <= most && search.rows > 0; step++) {
    // After the last pair there is nothing to learn but whether it was enough.
    const next = step < most ? await withNextPair(search, now, rank, rules) : judged(search, now);
    dispose(flat(now).filter((x) => !flat(next).includes(x)));
    const [targets, inputs, best, distances] = await search.compact(...flat(next));
    now = { targets, inputs, nearest: { inputs: best, distances } };
  }
  return now;
}

/** Pairs until the share of values is spent; where a value moves only once, no more than a budget has room for. */
function stepsAtMost({ clean, threat }: Search, { theta, gamma }: Rules): number {
  const pairs = Math.ceil((gamma * rowSize(clean)) / 2);
  return Math.abs(theta) === 1 ? Math.min(pairs, Math.floor((threat.eps * channelCount(clean)) / 2)) : pairs;
}

function judged(search: Search, { inputs, nearest, ...rest }: State): State {
  const { outputs, values, adversarial } = search.look(inputs);
  const found = tidy(() => ({ ...nearer(nearest, inputs, adversarial, search.threat.distance(inputs, search.clean)) }));
  dispose([outputs, values, adversarial]);
  return { ...rest, inputs, nearest: found };
}

async function withNextPair(search: Search, { targets, inputs, nearest }: State, rank: number, rules: Rules): Promise<State> {
  const { threat, clean, bounds: [low, high] } = search;
  const { slopes, adversarial } = slopesAt(search, inputs, targets, rank, rules);
  const pairs = pairsOf(await slopes.data(), clean);
  const [moved, best, distances] = tidy(() => {
    const found = nearer(nearest, inputs, adversarial, threat.distance(inputs, clean));
    // A row without a pair has -1 twice, which marks nothing.
    const marks = reshape(sum(cast(oneHot(cast(pairs, 'int32'), rowSize(clean)), 'float32'), 1), inputs.shape);
    const candidate = clipByValue(add(inputs, mul(marks, rules.theta * (high - low))), low, high);
    const goesOn = logicalAnd<Tensor1D>(logicalNot(adversarial), lessEqual(threat.distance(candidate, clean), threat.eps));
    return [chooseRows(goesOn, candidate, inputs), found.inputs, found.distances] as const;
  });
  dispose([slopes, adversarial, pairs]);
  return { targets, inputs: moved, nearest: { inputs: best, distances } };
}

/** Slopes of the target and, with the other sign, of all other classes together, `[N, 2, d]`; NaN where a value is at its bound. */
function slopesAt(search: Search, inputs: Tensor, targets: Tensor2D, rank: number, rules: Rules): { slopes: Tensor; adversarial: Tensor1D } {
  const { bounds: [low, high] } = search;
  const target = tidy(() => reshape<Rank.R1>(slice(targets, [0, rank], [-1, 1]), [-1]));
  const { outputs, values, adversarial, gradient } = search.differentiate(inputs, { objective: outputOf(target, rules.saliency) });
  // Probabilities add up to 1: what the target gains, the others lose.
  const total = rules.saliency === 'logits' ? search.gradient(inputs, { objective: allOutputs, probe: true }) : undefined;
  const slopes = tidy(() => {
    const sign = Math.sign(rules.theta);
    const free = sign > 0 ? less(inputs, high) : greater(inputs, low);
    const others = total === undefined ? gradient : sub(gradient, total);
    const usable = (slope: Tensor): Tensor => flatRows(where(free, mul(slope, sign), fill(slope.shape, NaN)));
    return stack([usable(gradient), usable(others)], 1);
  });
  dispose([target, outputs, values, gradient, ...(total ? [total] : [])]);
  return { slopes, adversarial };
}

function pairsOf(slopes: ArrayLike<number> & { subarray(from: number, to: number): ArrayLike<number> }, clean: Tensor): Tensor2D {
  const [rows, size] = [clean.shape[0], rowSize(clean)];
  const part = (row: number, which: number): ArrayLike<number> => slopes.subarray((2 * row + which) * size, (2 * row + which + 1) * size);
  return tensor2d(Array.from({ length: rows }, (_, row) => [...(bestPair(part(row, 0), part(row, 1)) ?? [-1, -1])]), [rows, 2], 'int32');
}

const outputOf = (targets: Tensor1D, saliency: Rules['saliency']): Objective => (logits) =>
  tidy(() => sum<Tensor1D>(mul(saliency === 'logits' ? logits : softmax(logits as Tensor2D), cast(oneHot(targets, logits.shape[1]!), 'float32')), 1));

const allOutputs: Objective = (logits) => sum<Tensor1D>(logits, 1);
