import type { Attack } from '@robustjs/core';
import type { Context } from './context.ts';
import { type AttackArgs, type AttackRows, attackTask } from './engine/attack-task.ts';
import type { Step } from './engine/jobs.ts';

/** What one attack did to some rows, in the order asked for. */
export interface Attacked {
  readonly broken: readonly boolean[];
  /** Class predicted at the returned input, in a forward pass of its own; -1 where an output is not finite. */
  readonly predicted: Int32Array;
  readonly gradientCalls: Int32Array;
  readonly queries: Int32Array;
  /** Whether the returned input differs from the clean one. */
  readonly changed: readonly boolean[];
  /** Distances of the returned inputs. */
  readonly distances: Float32Array;
  /** Returned inputs that were kept, by place among the rows asked for. */
  readonly kept: ReadonlyMap<number, Float32Array>;
  /** Returned inputs outside the threat model. */
  readonly violations: number;
  /** Returned inputs on which the attack's verdict and a new forward pass disagree. */
  readonly disagreements: number;
  /** Whether the weights moved meanwhile. */
  readonly weightsMoved: boolean;
}

/** How rows are attacked. */
export interface AttackRowsOptions extends Omit<AttackArgs, 'attack'> {
  readonly attack: Attack;
  readonly step: Step;
}

/** Attacks rows in jobs. */
export async function attackRows(context: Context, rows: Int32Array, { attack, step, ...rest }: AttackRowsOptions): Promise<Attacked> {
  const args: AttackArgs = { ...rest, attack: await context.book.refOf(attack), ...(context.flat && { flat: true }) };
  const attacked = joined(await context.jobs.run(attackTask, args, rows, step));
  context.found.note({ ...rest, step, rows, labels: context.dataset.labels, attacked });
  return attacked;
}

function joined(parts: readonly AttackRows[]): Attacked {
  const kept = new Map<number, Float32Array>();
  let start = 0;
  for (const { keptRows, kept: values, broken } of parts) {
    const size = values.length / Math.max(1, keptRows.length);
    keptRows.forEach((row, place) => kept.set(start + row, values.subarray(place * size, (place + 1) * size)));
    start += broken.length;
  }
  const ints = (pick: (part: AttackRows) => Int32Array): Int32Array => Int32Array.from(parts.flatMap((part) => [...pick(part)]));
  return {
    broken: parts.flatMap(({ broken }) => broken),
    predicted: ints(({ predicted }) => predicted),
    gradientCalls: ints(({ gradientCalls }) => gradientCalls),
    queries: ints(({ queries }) => queries),
    changed: parts.flatMap(({ changed }) => changed),
    distances: Float32Array.from(parts.flatMap(({ distances }) => [...distances])),
    kept,
    violations: parts.reduce((sum, part) => sum + part.violations, 0),
    disagreements: parts.reduce((sum, part) => sum + part.disagreements, 0),
    weightsMoved: parts.some(({ weightsMoved }) => weightsMoved),
  };
}
