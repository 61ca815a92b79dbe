import type { ThreatModel } from '@robustjs/core';
import type { Attacked } from './attack-rows.ts';
import type { AttackArgs } from './engine/attack-task.ts';
import type { Step } from './engine/jobs.ts';

/** What one attack did to some rows, whoever asked for it. */
export interface Hits extends Pick<AttackArgs, 'threat' | 'instead' | 'frozen'> {
  readonly step: Step;
  readonly rows: Int32Array;
  readonly labels: Int32Array;
  readonly attacked: Attacked;
}

/**
 * Rows that anything broke within one budget: the suite, the curve, or an attack of a sanity check. What breaks a row breaks it,
 * whatever it was made for.
 */
export class Found {
  readonly #threat: Pick<ThreatModel, 'norm' | 'eps'>;
  readonly #by: Map<string, Set<number>> = new Map();

  constructor(threat: Pick<ThreatModel, 'norm' | 'eps'>) {
    this.#threat = threat;
  }

  /** Notes the rows whose returned input is within the budget and misclassified, both as found with new eyes, by what is deployed. */
  note({ step, threat, instead, frozen, rows, labels, attacked }: Hits): void {
    const { norm, eps } = this.#threat;
    if (threat.norm !== norm || instead !== undefined || frozen === true) return;
    const { broken, predicted, distances } = attacked;
    const within = rows.filter((row, i) => broken[i] && predicted[i] !== labels[row] && (threat.eps <= eps || distances[i]! <= eps));
    const by = step.part === 'attack' ? `${step.name} at ${threat.eps}` : step.part === 'curve' ? 'curve' : step.name;
    const before = this.#by.get(by) ?? new Set();
    within.forEach((row) => before.add(row));
    this.#by.set(by, before);
  }

  /** How many of some rows were broken by anything, and by what. */
  among(rows: readonly number[]): { readonly broken: number; readonly by: string[] } {
    const named = [...this.#by].filter(([, found]) => rows.some((row) => found.has(row)));
    return { broken: rows.filter((row) => named.some(([, found]) => found.has(row))).length, by: named.map(([by]) => by).sort() };
  }
}
