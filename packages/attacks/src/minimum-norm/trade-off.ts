import type { Search } from '@robustjs/core';
import {
  add, cast, clone, dispose, fill, greater, greaterEqual, less, lessEqual, logicalAnd, logicalOr, maximum, minimum, mul, type Tensor, type Tensor1D,
  tidy, where,
} from '@tensorflow/tfjs-core';
import { chooseRows } from '../rows.ts';
import { type Nearest, nearer, nothingFound, offerNearest } from './nearest.ts';
import type { TradeOff } from './trade-off-options.ts';

/** What a row is about at one step, `[N]`. */
export interface Turn {
  readonly constant: Tensor1D;
  /** Steps taken with this constant. */
  readonly age: Tensor1D;
}

/** What one step gave, row by row. */
export interface Taken {
  /** The attack's own tensors after the step. */
  readonly state: readonly Tensor[];
  /** The input that was looked at. */
  readonly inputs: Tensor;
  /** Whether it is adversarial, with the confidence asked for. */
  readonly confident: Tensor1D;
  readonly loss: Tensor1D;
  /** Smaller is better. */
  readonly distances: Tensor1D;
}

/** How an attack minimizes for given constants. Both functions run inside a tidy. */
export interface Minimizer {
  /** The attack's own row-wise tensors before its first step with a constant. */
  start(): readonly Tensor[];
  step(state: readonly Tensor[], turn: Turn): Taken;
}

const LEDGER = ['constant', 'age', 'lower', 'upper', 'found', 'loss', 'previous'] as const;
type Ledger = Readonly<Record<(typeof LEDGER)[number], Tensor1D>>;

/** Everything row-wise: the attack's own tensors, the books on constants, the nearest and the last input. */
interface State {
  readonly own: readonly Tensor[];
  readonly ledger: Ledger;
  readonly nearest: Nearest;
  readonly last: Tensor;
}

// The authors' stand-in for no upper bound; a constant never grows beyond it.
const UNBOUNDED = 1e10;

/**
 * Searches each row's constant: times 10 until an adversarial input is found, then by bisection (Carlini and Wagner, S&P
 * 2017, section VI.D, and their code, whose repetition of the last of ten constants is left out). All of it stays on the
 * device. With a finite eps, whatever is nearest is proposed after every tenth of the steps, and broken rows leave.
 */
export async function searchConstants(search: Search, options: TradeOff, minimizer: Minimizer): Promise<void> {
  const every = Math.ceil(options.steps / 10);
  let list = tidy(() => flat(firstState(search, options, minimizer)));
  for (let pass = 1; pass <= options.binarySearchSteps * options.steps && search.rows > 0; pass++) {
    const next = tidy(() => {
      const after = afterStep(stateOf(list), minimizer);
      return flat(pass % every === 0 ? settled(after, options, minimizer) : after);
    });
    dispose(list.filter((x) => !next.includes(x)));
    list = next;
    if (pass % every !== 0) continue;
    if (search.threat.eps < Infinity) offerNearest(search, stateOf(list).nearest, stateOf(list).last);
    list = await search.compact(...list);
  }
  const { nearest, last } = stateOf(list);
  offerNearest(search, nearest, last);
  dispose(list);
}

function firstState({ clean, rows }: Search, { initialConstant }: TradeOff, minimizer: Minimizer): State {
  const all = (value: number): Tensor1D => fill([rows], value);
  const ledger = { constant: all(initialConstant), age: all(0), lower: all(0), upper: all(UNBOUNDED), found: all(0), loss: all(0), previous: all(Infinity) };
  return { own: minimizer.start(), ledger, nearest: nothingFound(clean), last: clone(clean) };
}

function afterStep({ own, ledger, nearest }: State, minimizer: Minimizer): State {
  const { state, inputs, confident, loss, distances } = minimizer.step(own, ledger);
  const found = maximum<Tensor1D>(ledger.found, cast(confident, 'float32'));
  return { own: state, ledger: { ...ledger, age: add(ledger.age, 1), found, loss }, nearest: nearer(nearest, inputs, confident, distances), last: inputs };
}

/** Rows that are through with their constant, or get nowhere with it, begin anew with another. */
function settled({ own, ledger, ...rest }: State, { steps, abortEarly }: TradeOff, minimizer: Minimizer): State {
  const { constant, age, found, loss, previous } = ledger;
  const finished = greaterEqual<Tensor1D>(age, steps);
  const stalled = logicalAnd<Tensor1D>(greater(found, 0), greater(loss, mul(previous, 0.9999)));
  const done = abortEarly ? logicalOr<Tensor1D>(finished, stalled) : finished;
  const success = logicalAnd<Tensor1D>(done, greater(found, 0));
  const failure = logicalAnd<Tensor1D>(done, lessEqual(found, 0));
  const upper = where<Tensor1D>(success, minimum(ledger.upper, constant), ledger.upper);
  const lower = where<Tensor1D>(failure, maximum(ledger.lower, constant), ledger.lower);
  const middle = where<Tensor1D>(less(upper, UNBOUNDED / 10), mul(add(lower, upper), 0.5), minimum(mul(constant, 10), UNBOUNDED));
  const begin = (now: Tensor1D, value: number): Tensor1D => where<Tensor1D>(done, fill(now.shape, value), now);
  const start = minimizer.start();
  return {
    ...rest,
    own: own.map((x, i) => chooseRows(done, start[i]!, x)),
    ledger: { constant: where<Tensor1D>(done, middle, constant), age: begin(age, 0), lower, upper, found: begin(found, 0), loss, previous: begin(loss, Infinity) },
  };
}

const flat = ({ own, ledger, nearest, last }: State): Tensor[] => [nearest.inputs, nearest.distances, last, ...LEDGER.map((name) => ledger[name]), ...own];

function stateOf([inputs, distances, last, ...rest]: readonly Tensor[]): State {
  return {
    nearest: { inputs: inputs!, distances: distances as Tensor1D },
    last: last!,
    ledger: Object.fromEntries(LEDGER.map((name, i) => [name, rest[i]])) as Ledger,
    own: rest.slice(LEDGER.length),
  };
}
