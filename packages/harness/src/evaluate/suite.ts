import type { Attack, ThreatModel } from '@robustjs/core';
import { type Attacked, attackRows } from './attack-rows.ts';
import type { Context } from './context.ts';
import { attackHash } from './engine/attack-ref.ts';

/** One attack of a suite and what it did. */
export interface SuitePart {
  readonly attack: Attack;
  readonly configHash: string;
  /** Which of the suite's rows it ran on, in their order. */
  readonly places: Int32Array;
  readonly attacked: Attacked;
}

/** What a suite of attacks did to rows at one budget. */
export interface SuiteOutcome {
  readonly threat: ThreatModel;
  /** The attacks, in their order. */
  readonly parts: readonly SuitePart[];
  /** For each row the part that broke it first; -1: it stands. */
  readonly breaker: Int32Array;
}

/** How a suite is run. */
export interface SuiteOptions {
  readonly attacks: readonly Attack[];
  readonly threat: ThreatModel;
  /**
   * `alone`: every attack on every row, also on those that another has broken, so that each one's own strength is known.
   * `cascade`: an attack sees the rows that those before it left standing, from their clean inputs.
   */
  readonly mode: 'alone' | 'cascade';
  /** How many of the leading rows' returned inputs to keep, besides those of rows that broke. */
  readonly pictures: number;
  /** What it is part of. Default `attack`. */
  readonly part?: 'attack' | 'sanity';
}

/** Runs a suite. An attack's draws depend on what it is, not on its place in the suite or on what ran before. */
export async function runSuite(context: Context, rows: Int32Array, options: SuiteOptions): Promise<SuiteOutcome> {
  const all = Int32Array.from(rows, (_, place) => place);
  const parts = options.mode === 'alone' ? await Promise.all(options.attacks.map((attack) => runPart(context, rows, all, attack, options))) : await cascade(context, rows, all, options);
  return { threat: options.threat, parts, breaker: breakersOf(parts, rows.length) };
}

async function cascade(context: Context, rows: Int32Array, all: Int32Array, options: SuiteOptions): Promise<SuitePart[]> {
  const parts: SuitePart[] = [];
  let places = all;
  for (const attack of options.attacks) {
    const part = await runPart(context, rows, places, attack, options);
    parts.push(part);
    places = places.filter((_, i) => !part.attacked.broken[i]);
  }
  return parts;
}

async function runPart(context: Context, rows: Int32Array, places: Int32Array, attack: Attack, { threat, pictures, part = 'attack' }: SuiteOptions): Promise<SuitePart> {
  const configHash = await attackHash(attack);
  const { norm, eps } = threat;
  const keep = Array.from(rows.subarray(0, pictures), (row) => context.dataset.ids[row]!);
  const attacked = await attackRows(context, Int32Array.from(places, (place) => rows[place]!), {
    attack,
    threat: { norm, eps },
    stream: ['suite', configHash],
    step: { part, name: attack.id, eps },
    ...(part === 'attack' && { keep, keepBroken: true }),
  });
  return { attack, configHash, places, attacked };
}

function breakersOf(parts: readonly SuitePart[], count: number): Int32Array {
  const breaker = new Int32Array(count).fill(-1);
  parts.forEach(({ places, attacked }, part) => {
    places.forEach((place, i) => {
      if (attacked.broken[i] && breaker[place] === -1) breaker[place] = part;
    });
  });
  return breaker;
}

/** Rows that at least one attack broke. */
export const brokenRows = ({ breaker }: SuiteOutcome): boolean[] => Array.from(breaker, (part) => part >= 0);

/** Rows that one attack broke, among all of the suite. */
export function brokenBy({ places, attacked }: SuitePart, count: number): boolean[] {
  const broken = Array<boolean>(count).fill(false);
  places.forEach((place, i) => (broken[place] = attacked.broken[i]!));
  return broken;
}

/** What an attack returned for a row of the suite, where it was kept. */
export const keptAt = ({ places, attacked }: SuitePart, row: number): Float32Array | undefined => attacked.kept.get(places.indexOf(row));

/** The adversarial input that broke a row first; undefined where it stands. */
export function adversarialAt(outcome: SuiteOutcome, row: number): Float32Array | undefined {
  const part = outcome.parts[outcome.breaker[row]!];
  return part === undefined ? undefined : keptAt(part, row);
}
