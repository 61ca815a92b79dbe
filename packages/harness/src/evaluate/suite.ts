import { type Attack, randomStream, type ThreatModel } from '@robustjs/core';
import { type Attacked, attackRows } from './attack-rows.ts';
import type { Context } from './context.ts';
import { jsonHash } from './hashes.ts';

/** One attack of a suite and what it did. */
export interface SuitePart {
  readonly attack: Attack;
  readonly configHash: string;
  readonly attacked: Attacked;
}

/** What a suite of attacks did to rows at one budget. */
export interface SuiteOutcome {
  readonly threat: ThreatModel;
  /** The attacks, in their order. */
  readonly parts: readonly SuitePart[];
  /** For each row the part that broke it first; -1: it stands. */
  readonly breaker: Int32Array;
}

/** What identifies an attack with its options. */
export const attackHash = ({ id, config }: Attack): Promise<string> => jsonHash({ id, config });

/**
 * Runs every attack on all rows, also those that another has broken already, so that each one's own strength is known.
 * An attack's draws depend on what it is, not on its place in the suite.
 */
export async function runSuite(context: Context, rows: Int32Array, attacks: readonly Attack[], threat: ThreatModel, keep: number): Promise<SuiteOutcome> {
  const parts: SuitePart[] = [];
  for (const attack of attacks) {
    const configHash = await attackHash(attack);
    const random = randomStream(context.seed).split('suite', configHash);
    const step = { part: 'attack', name: attack.id, eps: threat.eps } as const;
    parts.push({ attack, configHash, attacked: await attackRows(context, rows, { attack, threat, random, step, keep }) });
  }
  return { threat, parts, breaker: Int32Array.from(rows, (_, row) => parts.findIndex(({ attacked }) => attacked.broken[row])) };
}

/** Rows that at least one attack broke. */
export const brokenRows = ({ breaker }: SuiteOutcome): boolean[] => Array.from(breaker, (part) => part >= 0);

/** Where a row's adversarial input comes from: the attack that broke it first, else the last attempt. */
export const sourceOf = (outcome: SuiteOutcome, row: number): SuitePart =>
  outcome.parts[outcome.breaker[row]! >= 0 ? outcome.breaker[row]! : outcome.parts.length - 1]!;
