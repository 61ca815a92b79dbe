import type { LookOptions, Objective, Search } from '@robustjs/core';
import { add, dispose, equal, fill, greater, mul, type Tensor, type Tensor1D, tidy, where } from '@tensorflow/tfjs-core';
import { chooseRows } from '../rows.ts';

/** An iterate of every row, with its gradient and its objective. */
interface Iterate {
  readonly inputs: Tensor;
  readonly gradient: Tensor;
  readonly values: Tensor1D;
}

/** Where the rows stand: the last iterate, and the best one so far. */
export interface Standing extends Iterate {
  readonly best: Tensor;
  readonly bestGradient: Tensor;
  readonly bestValues: Tensor1D;
}

/** What a rule says after a step: its own state, and which rows go on from their best iterate; absent: none. */
export interface Ruling {
  readonly own: readonly Tensor[];
  readonly restart?: Tensor1D;
}

/** How to step, and what to learn from a step. `own` are row-wise tensors that only the rule reads; steps count from 1. */
export interface Rule {
  /** Called inside a tidy. */
  begin(at: Standing): readonly Tensor[];
  /** The next iterate; takes nothing over. */
  propose(at: Standing, own: readonly Tensor[], step: number): Tensor | Promise<Tensor>;
  /** Called inside a tidy with where the rows stood before and after a step. */
  learn(before: Standing, after: Standing, own: readonly Tensor[], step: number): Ruling;
}

/** A way up, besides its rule. */
export interface Climb {
  readonly rule: Rule;
  readonly steps: number;
  /** Gradients averaged for each step, for models that draw random numbers. */
  readonly eot: number;
  /** The objective for the rows that `aside` belongs to; absent: the attack's own. */
  readonly objective?: ((aside: readonly Tensor[]) => Objective) | undefined;
  /** The iterates lie beyond the budget: they are not judged. Default false. */
  readonly probe?: boolean;
}

/**
 * Takes `steps` steps from `start` as a rule says, and keeps the best iterate by objective. The last iterate is looked at
 * without a gradient, which nobody would follow.
 *
 * @param start one allowed input a row; taken over.
 * @param aside row-wise tensors that the objective needs; taken over.
 * @returns the best iterate of the rows that still stand, and what was set aside for them; the caller disposes.
 */
export async function climb(search: Search, start: Tensor, way: Climb, aside: readonly Tensor[]): Promise<[Tensor, ...Tensor[]]> {
  const { rule } = way;
  const first = differentiate(search, start, way, aside);
  let at = begin({ inputs: start, ...first });
  let own: readonly Tensor[] = tidy(() => [...rule.begin(at)]);
  [at, own, aside] = await staying(search, [...tensorsOf(at), ...own], aside);
  for (let step = 1; step <= way.steps && search.rows > 0; step++) {
    const inputs = await rule.propose(at, own, step);
    const last = step === way.steps;
    const seen = last ? { values: look(search, inputs, way, aside), gradient: at.gradient } : differentiate(search, inputs, way, aside);
    const next = tidy(() => {
      const after = improved(at, { inputs, ...seen });
      if (last) return tensorsOf(after);
      const { own: known, restart } = rule.learn(at, after, own, step);
      return [...tensorsOf(restart === undefined ? after : fromBest(after, restart)), ...known];
    });
    replace([...tensorsOf(at), ...own, inputs, ...Object.values<Tensor>(seen)], next);
    [at, own, aside] = await staying(search, next, aside);
  }
  replace([...tensorsOf(at), ...own], [at.best]);
  return [at.best, ...aside];
}

const tensorsOf = (at: Standing): Tensor[] => [at.inputs, at.gradient, at.values, at.best, at.bestGradient, at.bestValues];

/** Disposes what is not among those that live on; a step hands many tensors on as they are. */
function replace(before: readonly Tensor[], after: readonly Tensor[]): void {
  const alive = new Set(after);
  dispose(before.filter((x) => !alive.has(x)));
}

function begin({ inputs, gradient, values }: Iterate): Standing {
  // Nothing is larger than NaN: a row that begins with it would never improve.
  const bestValues = tidy(() => where(equal(values, values), values, fill(values.shape, -Infinity)));
  return { inputs, gradient, values, best: inputs, bestGradient: gradient, bestValues };
}

function improved(at: Standing, { inputs, gradient, values }: Iterate): Standing {
  const better = greater<Tensor1D>(values, at.bestValues);
  return {
    inputs,
    gradient,
    values,
    best: chooseRows(better, inputs, at.best),
    bestGradient: chooseRows(better, gradient, at.bestGradient),
    bestValues: chooseRows(better, values, at.bestValues),
  };
}

/** The objective at the iterate stays what it was: the code compares with the step before, wherever the row goes on from. */
const fromBest = (at: Standing, rows: Tensor1D): Standing => ({
  ...at,
  inputs: chooseRows(rows, at.best, at.inputs),
  gradient: chooseRows(rows, at.bestGradient, at.gradient),
});

/** Lets broken rows leave: of a standing, of what the rule owns, which follows it, and of what is set aside. */
async function staying(search: Search, state: readonly Tensor[], aside: readonly Tensor[]): Promise<[Standing, readonly Tensor[], readonly Tensor[]]> {
  const kept = await search.compact(...state, ...aside);
  const [inputs, gradient, values, best, bestGradient, bestValues, ...own] = kept.slice(0, state.length);
  return [{ inputs, gradient, values, best, bestGradient, bestValues } as Standing, own, kept.slice(state.length)];
}

const lookOptions = ({ objective, probe = false }: Climb, aside: readonly Tensor[]): LookOptions => ({
  probe,
  ...(objective !== undefined && { objective: objective(aside) }),
});

function look(search: Search, inputs: Tensor, way: Climb, aside: readonly Tensor[]): Tensor1D {
  return search.query(inputs, lookOptions(way, aside));
}

/** Gradient and objective, both the mean over `eot` passes. The last pass is the one that is judged, as in the code. */
function differentiate(search: Search, inputs: Tensor, way: Climb, aside: readonly Tensor[]): Omit<Iterate, 'inputs'> {
  const options = lookOptions(way, aside);
  const draw = (probe: boolean): Omit<Iterate, 'inputs'> => {
    const { outputs, adversarial, gradient, values } = search.differentiate(inputs, { ...options, probe });
    dispose([outputs, adversarial]);
    return { gradient, values };
  };
  const draws = Array.from({ length: way.eot }, (_, i) => draw(options.probe === true || i < way.eot - 1));
  if (draws.length === 1) return draws[0]!;
  const mean = <T extends Tensor>(parts: readonly T[]): T => mul<T>(parts.reduce((sum, part) => add<T>(sum, part)), 1 / parts.length);
  const [gradient, values] = tidy(() => [mean(draws.map((one) => one.gradient)), mean(draws.map((one) => one.values))] as const);
  dispose(draws.flatMap((one) => [one.gradient, one.values]));
  return { gradient, values };
}
