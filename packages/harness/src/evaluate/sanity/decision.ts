import { attacks } from '@robustjs/attacks';
import type { ThreatModel } from '@robustjs/core';
import { attackRows } from '../attack-rows.ts';
import type { Context } from '../context.ts';
import { attackHash, attackNamed } from '../engine/attack-ref.ts';
import { brokenRows, type SuiteOutcome } from '../suite.ts';
import { type Finding, skipped } from './check.ts';

const DECISION = 'hop-skip-jump';
// Both, row by row: neither is best on every surface.
const NEAREST = ['fmn', 'fab-t'];
const LEAST_RATIO = 0.9;
const QUERIES = 2000;

/**
 * S17: an attack that sees decisions only finds no nearer adversarial inputs than one that follows gradients, and none within
 * the budget of a row that the suite left standing.
 *
 * @param rows the leading rows of those that the suite attacked; each takes thousands of queries.
 */
export async function decisionWeaker(context: Context, rows: Int32Array, { norm, eps }: ThreatModel, ranking: SuiteOutcome): Promise<Finding> {
  if (rows.length === 0) return skipped('S17', 'no example is classified correctly');
  if (![DECISION, ...NEAREST].every((id) => Object.hasOwn(attacks, id)) || !['Linf', 'L2'].includes(norm)) return skipped('S17', `HopSkipJump does not take ${norm}`);
  const threat = { norm, eps: Infinity };
  const distancesOf = async (attack: ReturnType<typeof attackNamed>): Promise<number[]> => {
    const { distances, broken } = await attackRows(context, rows, { attack, threat, stream: ['S17'], step: { part: 'sanity', name: 'S17' } });
    return Array.from(distances, (distance, row) => (broken[row] ? distance : Infinity));
  };
  const decision = attackNamed(DECISION, { queries: QUERIES });
  const [blind, ...each] = await Promise.all([distancesOf(decision), ...NEAREST.map((id) => distancesOf(attackNamed(id)))]);
  const seeing = blind.map((_, row) => Math.min(...each.map((distances) => distances[row]!)));
  const broken = brokenRows(ranking);
  const nearer = blind.filter((distance, row) => distance < eps && !broken[row]).length;
  const value = median(blind) / median(seeing);
  const ratio = Number.isFinite(value) ? value : null;
  const fine = nearer === 0 && (ratio === null || ratio >= LEAST_RATIO);
  const note = `median distance of HopSkipJump over that of FMN or FAB, whichever found the nearer, at least ${LEAST_RATIO}; ${nearer} rows that the suite left standing were broken within the budget`;
  return { id: 'S17', status: fine ? 'pass' : 'fail', value: ratio, threshold: null, n: rows.length, attackConfigHash: await attackHash(decision), note };
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)]!;
