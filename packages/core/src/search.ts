import {
  cast, clone, concat, dispose, fill, gather, keep, mul, type Tensor, type Tensor1D, tensor1d, tidy, valueAndGrads, zeros,
} from '@tensorflow/tfjs-core';
import type { AttackProblem, AttackResult, LookOptions, Search, Seen } from './attack.ts';
import { RobustError, throwIfAborted } from './errors.ts';
import { improve, type Judge, type Rows, verdicts } from './judge.ts';
import type { Objective } from './loss.ts';
import { evaluation } from './pass.ts';
import type { Route } from './route.ts';

/** A problem with its defaults filled in. */
export interface SearchOptions extends Pick<AttackProblem, 'model' | 'inputs' | 'random' | 'signal'>, Judge {
  readonly route: Route;
  readonly ids: Int32Array;
  readonly keep: 'best' | 'last';
  /** -1 for a targeted search: it maximizes the negative of what an untargeted one would. */
  readonly sign: 1 | -1;
  readonly goals: Tensor1D;
  readonly objective: Objective;
}

/** A {@link Search} with the framework's side of it. */
export interface RunningSearch extends Search {
  result(): Promise<AttackResult>;
  dispose(): void;
}

/** Starts a search over all rows of a problem. */
export function searchOf(options: SearchOptions): RunningSearch {
  const { model, threat, bounds, goals, inputs, sign } = options;
  const total = inputs.shape[0];
  const passes = options.random.split('pass');
  let passesMade = 0;
  const judged = options.keep === 'best';
  const gradientCalls = new Int32Array(total);
  const queries = new Int32Array(total);
  const finished: { places: Int32Array; rows: Rows }[] = [];
  // The rows still searched: their places in the problem, and their tensors.
  let places = Int32Array.from({ length: total }, (_, i) => i);
  let ids = options.ids;
  let rows = kept(freshRows(inputs, goals));

  const replaceRows = (next: Rows): void => {
    const stays = new Set(Object.values(next));
    dispose(Object.values(rows).filter((x) => !stays.has(x)));
    rows = kept(next);
  };
  // Stochastic layers draw anew in every pass.
  const forward = (x: Tensor): Tensor => model.forward(x, { ...evaluation(options.route), random: passes.split(passesMade++) });
  const ownObjective: Objective = (outputs, goals) => {
    const values = options.objective(outputs, goals);
    return sign === 1 ? values : mul(values, sign);
  };
  /** What the outputs at `x` say, with their objective where it is known; both become the caller's. Judges unless it is a probe. */
  const see = (x: Tensor, outputs: Tensor, { objective = ownObjective, probe = false }: LookOptions, known?: Tensor1D): Seen => {
    const values = known ?? tidy(() => objective(outputs, rows.goals));
    const { finite, adversarial } = tidy(() => verdicts(outputs, options.criterion(outputs, rows.goals), sign === -1));
    const own = (): Tensor1D => (objective === ownObjective ? values : ownObjective(outputs, rows.goals));
    if (judged && !probe) replaceRows(tidy(() => improve(rows, { inputs: x, finite, values: own(), adversarial }, options)));
    dispose(finite);
    return { outputs: outputs === x ? clone(x) : outputs, values, adversarial };
  };
  const count = (counter: Int32Array): void => places.forEach((place) => (counter[place]! += 1));

  const differentiate = (x: Tensor, { objective = ownObjective }: LookOptions): { outputs: Tensor; values: Tensor1D; gradient: Tensor } => {
    if (model.differentiable === false) {
      const fix = 'use an attack by queries, such as square or hop-skip-jump, or give the model a differentiable stand-in';
      const expected = 'a differentiable model, for an attack that follows gradients';
      throw new RobustError('RJS_NO_GRADIENT', { expected, got: 'one that only predicts', fix });
    }
    count(gradientCalls);
    const seen: Tensor[] = [];
    // Without a gradient of its own given, TF.js takes that of the sum.
    const { value, grads } = valueAndGrads((input: Tensor) => {
      const outputs = forward(input);
      seen.push(keep(clone(outputs)));
      return objective(outputs, rows.goals);
    })([x]);
    return { outputs: seen[0]!, values: value, gradient: grads[0]! };
  };

  return {
    threat,
    bounds,
    random: options.random,
    get clean() {
      return rows.clean;
    },
    get ids() {
      return ids;
    },
    get rows() {
      return places.length;
    },
    project: (x) => threat.project(x, rows.clean, bounds),
    get goals() {
      return rows.goals;
    },
    targeted: sign === -1,
    gradient(x, look = {}) {
      const { outputs, values, gradient } = differentiate(x, look);
      dispose(judged && !look.probe ? Object.values(see(x, outputs, look, values)) : [outputs, values]);
      return gradient;
    },
    differentiate(x, look = {}) {
      const { outputs, values, gradient } = differentiate(x, look);
      return { ...see(x, outputs, look, values), gradient };
    },
    query(x, look) {
      const { values, ...seen } = this.look(x, look);
      dispose(Object.values(seen));
      return values;
    },
    look(x, look = {}) {
      count(queries);
      return see(x, tidy(() => forward(x)), look);
    },
    offer(x) {
      if (judged) dispose(this.query(x));
      else replaceRows({ ...rows, best: clone(x) });
    },
    async compact(...state) {
      if (options.signal?.aborted) dispose(state);
      throwIfAborted(options.signal);
      // A route by rows fits the whole batch only, and a nearer adversarial input may always follow: then nobody leaves.
      const mayLeave = judged && options.route.kind === 'one' && threat.eps !== Infinity;
      const broken = mayLeave ? await rows.success.data() : [];
      const leave = indicesWhere(places.length, (i) => Boolean(broken[i]));
      if (leave.length === 0) return state;
      const stay = indicesWhere(places.length, (i) => !broken[i]);
      finished.push({ places: places.filter((_, i) => broken[i]), rows: pickAll(rows, leave) });
      replaceRows(pickAll(rows, stay));
      places = places.filter((_, i) => !broken[i]);
      ids = ids.filter((_, i) => !broken[i]);
      const next = state.map((x) => pick(x, stay)) as typeof state;
      dispose(state);
      return next;
    },
    async result() {
      if (!judged) {
        const unknown = new Float32Array(total).fill(NaN);
        const success = Array<boolean>(total).fill(false);
        return { adversarial: clone(rows.best), success, values: unknown, distances: unknown.slice(), gradientCalls, queries, rejected: new Int32Array(total) };
      }
      const parts = [...finished, { places, rows }].filter((part) => part.places.length > 0);
      const order = inverse(parts.flatMap((part) => [...part.places]));
      const { adversarial, distances, values, success, rejected } = tidy(() => {
        const inOrder = (name: 'best' | 'values' | 'success' | 'rejected'): Tensor =>
          parts.length === 0 ? clone(rows[name]) : pick(concat(parts.map((part) => part.rows[name])), order);
        const best = inOrder('best');
        return {
          adversarial: best,
          distances: total === 0 ? zeros([0]) : threat.distance(best, inputs),
          values: inOrder('values'),
          success: inOrder('success'),
          rejected: inOrder('rejected'),
        };
      });
      const result: AttackResult = {
        adversarial,
        success: Array.from(await success.data(), Boolean),
        values: Float32Array.from(await values.data()),
        distances: Float32Array.from(await distances.data()),
        gradientCalls,
        queries,
        rejected: Int32Array.from(await rejected.data()),
      };
      dispose([distances, values, success, rejected]);
      return result;
    },
    dispose() {
      for (const part of [...finished, { rows }]) dispose(Object.values(part.rows));
    },
  };
}

/** The same rows, out of reach of a tidy around the call that made them. */
function kept(rows: Rows): Rows {
  Object.values(rows).forEach((x) => keep(x));
  return rows;
}

function freshRows(clean: Tensor, goals: Tensor1D): Rows {
  const count = clean.shape[0];
  return {
    clean: clone(clean),
    goals: clone(goals),
    best: clone(clean),
    values: fill([count], -Infinity),
    distances: fill([count], Infinity),
    success: tidy(() => cast(zeros([count]), 'bool')),
    rejected: zeros([count], 'int32'),
  };
}

const indicesWhere = (count: number, test: (index: number) => boolean): Int32Array =>
  Int32Array.from({ length: count }, (_, i) => i).filter(test);

function pick<T extends Tensor>(x: T, indices: Int32Array): T {
  if (indices.length === 0) return zeros([0, ...x.shape.slice(1)], x.dtype) as T;
  return tidy(() => {
    // Gathering bools is not supported everywhere.
    const picked = gather(x.dtype === 'bool' ? cast(x, 'int32') : x, tensor1d(indices, 'int32'));
    return x.dtype === 'bool' ? cast(picked, 'bool') : picked;
  });
}

const pickAll = (rows: Rows, indices: Int32Array): Rows =>
  Object.fromEntries(Object.entries(rows).map(([name, x]) => [name, pick(x, indices)])) as Rows;

/** The permutation that undoes one. */
const inverse = (order: readonly number[]): Int32Array => Int32Array.from(order.keys()).sort((a, b) => order[a]! - order[b]!);
