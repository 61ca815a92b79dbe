import { type Attack, randomStream, threatModel } from '@robustjs/core';
import { attackRows } from './attack-rows.ts';
import type { Context } from './context.ts';
import { attackHash } from './suite.ts';

/** What one attack did to the same rows at rising budgets. */
export interface CurvePart {
  readonly eps: number;
  /** Rows that the attack broke at this budget. */
  readonly broken: readonly boolean[];
}

/** Attacks the same rows anew at every budget, from the smallest up. */
export async function runCurve(context: Context, rows: Int32Array, attack: Attack, norm: string, budgets: readonly number[]): Promise<CurvePart[]> {
  const random = randomStream(context.seed).split('curve', await attackHash(attack));
  const parts: CurvePart[] = [];
  for (const eps of [...new Set(budgets)].sort((a, b) => a - b)) {
    const step = { part: 'curve', name: attack.id, eps } as const;
    const run = async () => (await attackRows(context, rows, { attack, threat: threatModel(norm, eps), random, step })).broken;
    // Without a budget there is nothing to try; that it changes nothing is a sanity check of its own.
    parts.push({ eps, broken: eps === 0 ? Array.from(rows, () => false) : await run() });
  }
  return parts;
}

/** Rows that stand at each budget: what a smaller budget broke is broken at a larger one too, where the same input is allowed. */
export function standing(parts: readonly CurvePart[]): number[] {
  const broken = new Set<number>();
  return parts.map((part) => {
    part.broken.forEach((is, row) => is && broken.add(row));
    return part.broken.length - broken.size;
  });
}
