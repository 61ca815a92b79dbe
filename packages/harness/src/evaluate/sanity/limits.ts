import { pgd } from '@robustjs/attacks';
import { type Attack, box, randomStream, threatModel } from '@robustjs/core';
import { attackRows } from '../attack-rows.ts';
import type { Context } from '../context.ts';
import { jsonHash, valuesHash } from '../hashes.ts';
import { attackHash } from '../suite.ts';
import { type Finding, skipped } from './check.ts';

/** S19: with a budget of zero the inputs come back to the bit, and every row stands. */
export async function neutralAtZero(context: Context, rows: Int32Array, norm: string): Promise<Finding> {
  if (rows.length === 0) return skipped('S19', 'no example is classified correctly');
  const attack = pgd({ steps: 3 });
  const random = randomStream(context.seed).split('S19');
  const { broken, digests } = await attackRows(context, rows, { attack, threat: threatModel(norm, 0), random, step: { part: 'sanity', name: 'S19', eps: 0 } });
  const clean = await Promise.all(Array.from(rows, async (row) => valuesHash(await context.dataset.read([row]))));
  const changed = broken.filter((is, i) => is || digests[i] !== clean[i]).length;
  const status = changed === 0 ? 'pass' : 'fail';
  const attackConfigHash = await attackHash(attack);
  return { id: 'S19', status, value: changed, threshold: 0, n: rows.length, attackConfigHash, note: 'rows that changed or broke under a budget of zero' };
}

// From the clean input along the margin, which does not saturate; then from random points of the box.
const UNCONSTRAINED: readonly Attack[] = [
  pgd({ steps: 40, randomStart: false, objective: 'margin' }),
  pgd({ steps: 20, restarts: 2 }),
];

/** S20: an attacker who may choose any valid image breaks everything. */
export async function unconstrainedBreaks(context: Context, rows: Int32Array): Promise<Finding> {
  if (rows.length === 0) return skipped('S20', 'no example is classified correctly');
  const random = randomStream(context.seed).split('S20');
  let standing = rows;
  for (const attack of UNCONSTRAINED) {
    const { broken } = await attackRows(context, standing, { attack, threat: box(context.model.bounds), random, step: { part: 'sanity', name: 'S20' } });
    standing = standing.filter((_, i) => !broken[i]);
  }
  const value = standing.length / rows.length;
  const attackConfigHash = await jsonHash(UNCONSTRAINED.map(({ id, config }) => ({ id, config })));
  return { id: 'S20', status: value > 0.01 ? 'fail' : 'pass', value, threshold: 0.01, n: rows.length, attackConfigHash, note: 'share of rows that stand when any valid image is allowed' };
}
