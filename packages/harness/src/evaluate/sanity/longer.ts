import { pgd } from '@robustjs/attacks';
import { randomStream, type ThreatModel } from '@robustjs/core';
import { attackRows } from '../attack-rows.ts';
import type { Context } from '../context.ts';
import { attackHash } from '../suite.ts';
import { countTrue, discordant, type Finding, skipped } from './check.ts';

const STEPS = 20;

/**
 * S10: PGD with steps of the same length and the same start breaks with twice the steps whatever it broke before, since the
 * shorter run is a prefix of the longer; and it hardly breaks more.
 */
export async function longerNotWeaker(context: Context, rows: Int32Array, threat: ThreatModel): Promise<Finding> {
  if (rows.length === 0) return skipped('S10', 'no example is classified correctly');
  const alpha = (2.5 * threat.eps) / STEPS;
  const random = randomStream(context.seed).split('S10');
  const step = { part: 'sanity', name: 'S10', eps: threat.eps } as const;
  const run = async (steps: number) => (await attackRows(context, rows, { attack: pgd({ steps, alpha }), threat, random, step })).broken;
  const [short, long] = [await run(STEPS), await run(2 * STEPS)];
  const lost = discordant(short, long).onlyFirst;
  const gain = (countTrue(long) - countTrue(short)) / rows.length;
  // One row is no trend, even where it is more than a point.
  const threshold = Math.max(0.01, 1 / rows.length);
  const status = lost > 0 ? 'fail' : gain > threshold ? 'warn' : 'pass';
  const note = `accuracy lost by going from ${STEPS} to ${2 * STEPS} steps (more than the threshold: not converged); ${lost} rows broken by the shorter run only`;
  return { id: 'S10', status, value: gain, threshold, n: rows.length, attackConfigHash: await attackHash(pgd({ steps: 2 * STEPS, alpha })), note };
}
