import { attackRows } from '../attack-rows.ts';
import type { Context } from '../context.ts';
import { attackHash, attackNamed } from '../engine/attack-ref.ts';
import { countTrue, discordant, type Finding, skipped } from './check.ts';

type Threat = { readonly norm: string; readonly eps: number };

/**
 * S10: PGD with steps of the same length and the same start breaks with twice the steps whatever it broke before, since the
 * shorter run is a prefix of the longer; and it hardly breaks more.
 */
export async function longerNotWeaker(context: Context, rows: Int32Array, { norm, eps }: Threat, steps: number): Promise<Finding> {
  if (rows.length === 0) return skipped('S10', 'no example is classified correctly');
  const alpha = (2.5 * eps) / steps;
  const step = { part: 'sanity', name: 'S10', eps } as const;
  const attacks = [steps, 2 * steps].map((count) => attackNamed('pgd', { steps: count, alpha }));
  const [short, long] = await Promise.all(attacks.map(async (attack) => (await attackRows(context, rows, { attack, threat: { norm, eps }, stream: ['S10'], step })).broken));
  const lost = discordant(short!, long!).onlyFirst;
  const gain = (countTrue(long!) - countTrue(short!)) / rows.length;
  // One row is no trend, even where it is more than a point.
  const threshold = Math.max(0.01, 1 / rows.length);
  // A model that draws random numbers keeps no promise about prefixes.
  const status = lost > 0 && !context.stochastic ? 'fail' : gain > threshold ? 'warn' : 'pass';
  const note = `accuracy lost by going from ${steps} to ${2 * steps} steps (more than the threshold: not converged); ${lost} rows broken by the shorter run only`;
  return { id: 'S10', status, value: gain, threshold, n: rows.length, attackConfigHash: await attackHash(attacks[1]!), note };
}

const RESTARTS = 5;

/** S12: more restarts break whatever fewer do, since they begin with the same ones; and hardly more. */
export async function restartsNotWeaker(context: Context, rows: Int32Array, { norm, eps }: Threat): Promise<Finding> {
  if (rows.length === 0) return skipped('S12', 'no example is classified correctly');
  const step = { part: 'sanity', name: 'S12', eps } as const;
  const attacks = [RESTARTS, 2 * RESTARTS].map((restarts) => attackNamed('pgd', { steps: 20, restarts }));
  const [few, many] = await Promise.all(attacks.map(async (attack) => (await attackRows(context, rows, { attack, threat: { norm, eps }, stream: ['S12'], step })).broken));
  const lost = discordant(few!, many!).onlyFirst;
  const value = (countTrue(many!) - countTrue(few!)) / rows.length;
  const threshold = Math.max(0.005, 1 / rows.length);
  const note = `accuracy lost by going from ${RESTARTS} to ${2 * RESTARTS} restarts of PGD; ${lost} rows broken by fewer only`;
  return { id: 'S12', status: lost > 0 || value > threshold ? 'warn' : 'pass', value, threshold, n: rows.length, attackConfigHash: await attackHash(attacks[1]!), note };
}
