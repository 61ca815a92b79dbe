import type { ThreatModel } from '@robustjs/core';
import { attackRows } from '../attack-rows.ts';
import type { Context } from '../context.ts';
import { type AttackArgs } from '../engine/attack-task.ts';
import { attackHash, attackNamed } from '../engine/attack-ref.ts';
import { brokenRows, type SuiteOutcome } from '../suite.ts';
import { countTrue, discordant, type Finding, skipped } from './check.ts';

/** Name of the undefended network among those that checks may borrow from. */
export const BACKBONE = 'backbone';

/**
 * S16: inputs made through another normalization branch, or on another network, break hardly anything that attacks on what is
 * deployed do not.
 *
 * @param rows the leading rows of those that the suite attacked.
 */
export async function transferWeaker(context: Context, rows: Int32Array, { norm, eps }: ThreatModel, ranking: SuiteOutcome): Promise<Finding> {
  const attack = attackNamed('pgd', { steps: 20 });
  const sources: Pick<AttackArgs, 'through' | 'other'>[] = [
    ...context.model.branches.filter((branch) => branch !== context.route.branch).map((through) => ({ through })),
    ...context.others.map((other) => ({ other })),
  ];
  if (rows.length === 0) return skipped('S16', 'no example is classified correctly');
  if (sources.length === 0) return skipped('S16', 'the model has one normalization branch, and no other network was given to borrow inputs from');
  const step = { part: 'sanity', name: 'S16', eps } as const;
  const names = sources.map(({ through, other }) => through ?? other!);
  const each = await Promise.all(sources.map((source, i) => attackRows(context, rows, { ...source, attack, threat: { norm, eps }, stream: ['S16', names[i]!], step })));
  const transferred = Array.from(rows, (_, row) => each.some(({ broken }) => broken[row]));
  const only = discordant(transferred, brokenRows(ranking).slice(0, rows.length)).onlyFirst;
  // One row is no trend, even where it is more than half a percent.
  const threshold = Math.max(0.005, 1 / rows.length);
  const value = only / rows.length;
  const note = `share of rows that inputs made through ${names.join(', ')} break and the suite does not`;
  return { id: 'S16', status: value > threshold ? 'fail' : 'pass', value, threshold, n: rows.length, attackConfigHash: await attackHash(attack), note };
}

const LEFT = 0.05;

/** S27: the same kind of attack, at the same budget, breaks the network without its defense. */
export async function undefendedBreaks(context: Context, rows: Int32Array, { norm, eps }: ThreatModel): Promise<Finding> {
  if (!context.others.includes(BACKBONE)) return skipped('S27', 'no network without the defense was given');
  if (rows.length === 0) return skipped('S27', 'no example is classified correctly');
  const attack = attackNamed('pgd', { steps: 50, restarts: 2, objective: 'margin' });
  const { broken } = await attackRows(context, rows, { attack, instead: BACKBONE, threat: { norm, eps }, stream: ['S27'], step: { part: 'sanity', name: 'S27', eps } });
  const value = 1 - countTrue(broken) / rows.length;
  const note = 'share of rows that the network without its defense keeps under PGD at the same budget; more means that the attack is weak, or the budget small';
  return { id: 'S27', status: value > LEFT ? 'fail' : 'pass', value, threshold: LEFT, n: rows.length, attackConfigHash: await attackHash(attack), note };
}
