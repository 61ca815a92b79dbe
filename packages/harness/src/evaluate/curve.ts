import type { Attack } from '@robustjs/core';
import { attackRows } from './attack-rows.ts';
import type { Context } from './context.ts';
import { attackHash } from './engine/attack-ref.ts';

/** What one attack did to the same rows at rising budgets. */
export interface CurvePart {
  readonly eps: number;
  /** Rows that the attack broke at this budget. */
  readonly broken: readonly boolean[];
}

/** Attacks the same rows anew at every budget. */
export async function runCurve(context: Context, rows: Int32Array, attack: Attack, norm: string, budgets: readonly number[]): Promise<CurvePart[]> {
  const stream = ['curve', await attackHash(attack)];
  const rising = [...new Set(budgets)].sort((a, b) => a - b);
  return Promise.all(
    rising.map(async (eps) => {
      // Without a budget there is nothing to try; that it changes nothing is a sanity check of its own.
      if (eps === 0) return { eps, broken: Array.from(rows, () => false) };
      const { broken } = await attackRows(context, rows, { attack, threat: { norm, eps }, stream, step: { part: 'curve', name: attack.id, eps } });
      return { eps, broken };
    }),
  );
}

/** Rows that stand at each budget: what a smaller budget broke is broken at a larger one too, where the same input is allowed. */
export function standing(parts: readonly CurvePart[]): number[] {
  const broken = new Set<number>();
  return parts.map((part) => {
    part.broken.forEach((is, row) => is && broken.add(row));
    return part.broken.length - broken.size;
  });
}
