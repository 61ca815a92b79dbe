import type { Attack } from '@robustjs/core';
import { attackRows } from '../attack-rows.ts';
import type { Context } from '../context.ts';
import { attackHash, attackNamed } from '../engine/attack-ref.ts';
import { jsonHash } from '../hashes.ts';
import { type Finding, skipped } from './check.ts';

/** S19: with a budget of zero the inputs come back to the bit, and every row stands. */
export async function neutralAtZero(context: Context, rows: Int32Array, norm: string): Promise<Finding> {
  if (rows.length === 0) return skipped('S19', 'no example is classified correctly');
  const attack = attackNamed('pgd', { steps: 3 });
  const { broken, changed } = await attackRows(context, rows, { attack, threat: { norm, eps: 0 }, stream: ['S19'], step: { part: 'sanity', name: 'S19', eps: 0 } });
  // Randomness alone breaks rows of a model that draws.
  const value = broken.filter((is, row) => (is && !context.stochastic) || changed[row]!).length;
  const attackConfigHash = await attackHash(attack);
  return { id: 'S19', status: value === 0 ? 'pass' : 'fail', value, threshold: 0, n: rows.length, attackConfigHash, note: 'rows that changed or broke under a budget of zero' };
}

// First along the margin, which no scale of the logits changes or saturates, from the clean input and from random ones; then
// along the cross-entropy, from random points of the box.
const unconstrained = (): readonly Attack[] => [
  attackNamed('pgd', { steps: 40, randomStart: false, objective: 'margin' }),
  attackNamed('pgd', { steps: 20, restarts: 2 }),
  attackNamed('pgd', { steps: 40, restarts: 2, objective: 'margin' }),
];

/** Rows that these attacks left standing, one after the other. */
async function standingAfter(context: Context, rows: Int32Array, threat: { norm: string; eps: number }, id: string): Promise<{ standing: Int32Array; attackConfigHash: string }> {
  const attacks = unconstrained();
  let standing = rows;
  for (const attack of attacks) {
    if (standing.length === 0) break;
    const { broken } = await attackRows(context, standing, { attack, threat, stream: [id], step: { part: 'sanity', name: id } });
    standing = standing.filter((_, i) => !broken[i]);
  }
  return { standing, attackConfigHash: await jsonHash(attacks.map(({ id: name, config }) => ({ id: name, config }))) };
}

/** S20: an attacker who may choose any valid image breaks everything. */
export async function unconstrainedBreaks(context: Context, rows: Int32Array): Promise<Finding> {
  if (rows.length === 0) return skipped('S20', 'no example is classified correctly');
  const [low, high] = context.model.bounds;
  const { standing, attackConfigHash } = await standingAfter(context, rows, { norm: 'box', eps: high - low }, 'S20');
  const value = standing.length / rows.length;
  return { id: 'S20', status: value > 0.01 ? 'fail' : 'pass', value, threshold: 0.01, n: rows.length, attackConfigHash, note: 'share of rows that stand when any valid image is allowed' };
}

/**
 * S21: within half the range of values under Linf every row reaches the same grey image, so no more rows can stand than the
 * most frequent class has.
 */
export async function greyImageBreaks(context: Context, rows: Int32Array): Promise<Finding> {
  if (rows.length === 0) return skipped('S21', 'no example is classified correctly');
  if (context.model.differentiable === false) return skipped('S21', 'the model only predicts, and its attack follows gradients');
  const [low, high] = context.model.bounds;
  const { standing, attackConfigHash } = await standingAfter(context, rows, { norm: 'Linf', eps: (high - low) / 2 }, 'S21');
  const counts = new Map<number, number>();
  for (const row of rows) counts.set(context.dataset.labels[row]!, (counts.get(context.dataset.labels[row]!) ?? 0) + 1);
  const threshold = Math.max(...counts.values()) / rows.length;
  const value = standing.length / rows.length;
  const note = 'share of rows that stand at half the range of values, where all reach the same grey image; at most the share of the most frequent class';
  return { id: 'S21', status: value > threshold ? 'fail' : 'pass', value, threshold, n: rows.length, attackConfigHash, note };
}
