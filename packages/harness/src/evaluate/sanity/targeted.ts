import type { ThreatModel } from '@robustjs/core';
import { attackRows } from '../attack-rows.ts';
import type { Context } from '../context.ts';
import { attackHash, attackNamed } from '../engine/attack-ref.ts';
import { countTrue, type Finding, skipped, tolerance } from './check.ts';

// With more classes, so many of them in turn after the label.
const MOST_TARGETS = 9;

/**
 * S22: aiming at one class breaks no more than moving away from the label; aiming at every class in turn breaks as much.
 */
export async function targetedNotStronger(context: Context, rows: Int32Array, { norm, eps }: ThreatModel): Promise<Finding> {
  if (rows.length === 0) return skipped('S22', 'no example is classified correctly');
  const attack = attackNamed('pgd', { steps: 20, objective: 'margin' });
  const targets = Array.from({ length: Math.min(MOST_TARGETS, context.classes - 1) }, (_, i) => i + 1);
  const run = async (target?: number): Promise<readonly boolean[]> => {
    const aim = target === undefined ? {} : { target };
    return (await attackRows(context, rows, { ...aim, attack, threat: { norm, eps }, stream: ['S22', target ?? 0], step: { part: 'sanity', name: 'S22', eps } })).broken;
  };
  const untargeted = await run();
  const each = await Promise.all(targets.map(run));
  const all = Array.from(rows, (_, row) => each.some((broken) => broken[row]));
  const accuracy = (broken: readonly boolean[]): number => 1 - countTrue(broken) / rows.length;
  const excess = Math.max(...each.map((broken) => accuracy(untargeted) - accuracy(broken) - tolerance(untargeted, broken)));
  const complete = targets.length === context.classes - 1;
  const value = accuracy(all) - accuracy(untargeted);
  const threshold = tolerance(all, untargeted);
  const fine = excess <= 0 && (!complete || value <= threshold);
  const note = `accuracy under attacks at ${targets.length} of ${context.classes - 1} other classes together minus accuracy under one that only moves away${excess > 0 ? '; one target alone broke more' : ''}`;
  return { id: 'S22', status: fine ? 'pass' : 'warn', value, threshold, n: rows.length, attackConfigHash: await attackHash(attack), note };
}
