import { attacks } from '@robustjs/attacks';
import type { ThreatModel } from '@robustjs/core';
import { attackRows } from '../attack-rows.ts';
import type { Context } from '../context.ts';
import { attackHash, attackNamed } from '../engine/attack-ref.ts';
import { needsGradients } from '../options.ts';
import { brokenBy, type SuiteOutcome } from '../suite.ts';
import { countTrue, type Finding, skipped } from './check.ts';
import { brokenByGradients } from './strength.ts';

const DRAWS = 1000;
const QUERIES = 1000;

/** What the ranking suite left standing after its attacks with gradients. */
export interface Survivors {
  /** Positions of the rows, at most so many. */
  readonly rows: Int32Array;
  /** Rows that the suite attacked. */
  readonly n: number;
  readonly threat: ThreatModel;
}

/**
 * Rows that attacks with gradients broke. In a cascade they never saw what one without gradients broke before them, so they are
 * given those rows now: otherwise a sound model would look as if gradients missed something.
 *
 * @param correctRows the rows that the suite attacked.
 */
export async function brokenWithGradients(context: Context, ranking: SuiteOutcome, correctRows: Int32Array): Promise<boolean[]> {
  const broken = brokenByGradients(ranking);
  const { norm, eps } = ranking.threat;
  for (const { attack, configHash, places } of ranking.parts) {
    if (!needsGradients(attack)) continue;
    const seen = new Set(places);
    const unseen = Array.from(correctRows, (_, place) => place).filter((place) => ranking.breaker[place]! >= 0 && !broken[place] && !seen.has(place));
    if (unseen.length === 0) continue;
    const rows = Int32Array.from(unseen, (place) => correctRows[place]!);
    const attacked = await attackRows(context, rows, { attack, threat: { norm, eps }, stream: ['suite', configHash], step: { part: 'sanity', name: 'S15', eps } });
    unseen.forEach((place, i) => (broken[place] = attacked.broken[i]!));
  }
  return broken;
}

/** The leading rows that no attack with gradients broke. */
export function survivorsOf({ threat }: SuiteOutcome, broken: readonly boolean[], correctRows: Int32Array, most: number): Survivors {
  return { rows: correctRows.filter((_, row) => !broken[row]).slice(0, most), n: correctRows.length, threat };
}

/**
 * S14: a thousand random points break hardly any row that attacks with gradients left standing. Rows that those broke need no
 * noise: they cannot make it the stronger one.
 */
export async function noiseOnSurvivors(context: Context, survivors: Survivors): Promise<Finding> {
  return onlyBroken(context, survivors, { id: 'S14', what: `${DRAWS} random points`, attack: attackNamed('noise', { draws: DRAWS }), share: 0.002 });
}

/**
 * S15: Square, which needs no gradients, breaks hardly any row that attacks with gradients left standing.
 *
 * @param gradients rows that those broke, of the rows that the suite attacked.
 */
export async function squareOnSurvivors(context: Context, survivors: Survivors, ranking: SuiteOutcome, gradients: readonly boolean[]): Promise<Finding> {
  const own = ranking.parts.find(({ attack }) => attack.id === 'square');
  if (own !== undefined) {
    const only = countTrue(brokenBy(own, survivors.n).map((broken, row) => broken && !gradients[row]));
    return verdict('S15', 'Square of the suite', only, survivors.n, 0.002, own.configHash);
  }
  if (!Object.hasOwn(attacks, 'square') || !['Linf', 'L2', 'L1'].includes(survivors.threat.norm)) return skipped('S15', 'Square does not take this threat model');
  return onlyBroken(context, survivors, { id: 'S15', what: `Square with ${QUERIES} queries`, attack: attackNamed('square', { queries: QUERIES }), share: 0.002 });
}

interface Rival {
  readonly id: string;
  readonly what: string;
  readonly attack: ReturnType<typeof attackNamed>;
  readonly share: number;
}

async function onlyBroken(context: Context, { rows, n, threat }: Survivors, { id, what, attack, share }: Rival): Promise<Finding> {
  if (n === 0) return skipped(id, 'no example is classified correctly');
  const { norm, eps } = threat;
  const { broken } = await attackRows(context, rows, { attack, threat: { norm, eps }, stream: [id], step: { part: 'sanity', name: id, eps } });
  return verdict(id, what, countTrue(broken), n, share, await attackHash(attack), rows.length);
}

function verdict(id: string, what: string, only: number, n: number, share: number, attackConfigHash: string, tried: number = n): Finding {
  if (n === 0) return skipped(id, 'no example is classified correctly');
  const value = only / n;
  // One row is no trend, even where it is more than the share.
  const threshold = Math.max(share, 1 / n);
  const note = `share of rows that ${what} broke and attacks with gradients did not; tried on ${tried} of ${n} rows`;
  return { id, status: value > threshold ? 'fail' : 'pass', value, threshold, n, attackConfigHash, note };
}
