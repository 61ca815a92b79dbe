import type { NamedVariable, TrainingObjective, Update } from '@robustjs/core';
import { add, clone, dispose, keep, mul, type Scalar, square, stack, sum, type Tensor, tidy, variableGrads } from '@tensorflow/tfjs-core';

/** Loss and gradient of one part of a batch. Whoever holds it disposes it with {@link disposeGradient}. */
export interface Gradient {
  /** Examples it was taken over; its weight in a mean. */
  readonly rows: number;
  readonly loss: Scalar;
  /** By parameter, in their order; absent where the loss does not depend on one. */
  readonly parameters: readonly (Tensor | undefined)[];
  /** Parts of the loss, by name. */
  readonly terms: ReadonlyMap<string, Scalar>;
  /** Statistics that training passes saw. */
  readonly updates: readonly Update[];
}

/** Differentiates an objective; `updates` is the list that its passes append to. */
export function gradientOf(objective: TrainingObjective, parameters: readonly NamedVariable[], rows: number, updates: Update[]): Gradient {
  const terms = new Map<string, Scalar>();
  const log = (name: string, value: Scalar): void => {
    terms.get(name)?.dispose();
    // Made under the tape, whose scope would dispose it.
    terms.set(name, keep(clone(value)));
  };
  const { value, grads } = variableGrads(() => objective.loss(log), parameters.map(({ variable }) => variable));
  return { rows, loss: value, parameters: parameters.map(({ variable }) => grads[variable.name]), terms, updates };
}

/**
 * The mean of the gradients of the shards of a batch, weighted by their rows and added in their order, so that the bits do
 * not depend on who computed them. Takes the shards over.
 */
export function meanGradient(shards: readonly Gradient[]): Gradient {
  const [first] = shards;
  if (first !== undefined && shards.length === 1) return first;
  const rows = shards.reduce((total, shard) => total + shard.rows, 0);
  const meanOf = <T extends Tensor>(pick: (shard: Gradient) => T | undefined): T | undefined => weightedMean(shards.map((shard) => [pick(shard), shard.rows]), rows);
  const names = new Set(shards.flatMap((shard) => [...shard.terms.keys()]));
  const combined: Gradient = {
    rows,
    loss: meanOf((shard) => shard.loss)!,
    parameters: first!.parameters.map((_, i) => meanOf((shard) => shard.parameters[i])),
    terms: new Map([...names].map((name) => [name, meanOf((shard) => shard.terms.get(name))!])),
    updates: meanUpdates(shards),
  };
  shards.forEach(disposeGradient);
  return combined;
}

/** The k-th statistic of a buffer, averaged over the shards that saw one. */
function meanUpdates(shards: readonly Gradient[]): Update[] {
  const seen = new Map<string, { update: Update; parts: [Tensor, number][] }>();
  for (const { updates, rows } of shards) {
    const times = new Map<number, number>();
    for (const update of updates) {
      const count = times.get(update.buffer.id) ?? 0;
      times.set(update.buffer.id, count + 1);
      const key = `${update.buffer.id} ${count}`;
      const entry = seen.get(key) ?? { update, parts: [] };
      entry.parts.push([update.value, rows]);
      seen.set(key, entry);
    }
  }
  return [...seen.values()].map(({ update, parts }) => {
    const total = parts.reduce((rows, [, count]) => rows + count, 0);
    return { ...update, value: weightedMean(parts, total)! };
  });
}

/** The sum of `values * rows / total` in order; a value that is absent counts as zero. */
function weightedMean<T extends Tensor>(values: readonly (readonly [T | undefined, number])[], total: number): T | undefined {
  const present = values.filter((entry): entry is readonly [T, number] => entry[0] !== undefined);
  if (present.length === 0) return undefined;
  return tidy(() => present.map(([value, rows]) => mul<T>(value, rows / total)).reduce((a, b) => add<T>(a, b)));
}

/** What the host needs to know of a gradient. */
export interface GradientFigures {
  readonly loss: number;
  /** Euclidean length over all parameters; not finite where any value is not. */
  readonly length: number;
  readonly terms: Readonly<Record<string, number>>;
}

/** Loss, length and terms, in one read. */
export async function readFigures({ loss, parameters, terms }: Gradient): Promise<GradientFigures> {
  const figures = tidy(() => {
    const squares = parameters.filter((gradient) => gradient !== undefined).map((gradient) => sum<Scalar>(square(gradient)));
    return stack([loss, sum(stack(squares)), ...terms.values()]);
  });
  const [lossValue = NaN, squared = NaN, ...values] = await figures.data();
  figures.dispose();
  return { loss: lossValue, length: Math.sqrt(squared), terms: Object.fromEntries([...terms.keys()].map((name, i) => [name, values[i]!])) };
}

/** Releases a gradient, recorded statistics included. */
export function disposeGradient({ loss, parameters, terms, updates }: Gradient): void {
  dispose([loss, ...parameters.filter((gradient) => gradient !== undefined), ...terms.values(), ...updates.map(({ value }) => value)]);
}
