import type { Accuracy, EntryEvaluation } from '../entry.ts';
import type { ExampleRecord } from '../examples.ts';
import { wilson } from '../wilson.ts';
import { byChance, type Recount } from './passes.ts';
import type { Check } from './verified.ts';

/** What an accuracy is held against. */
export interface Counted {
  readonly n: number;
  /** What the model was seen to do. */
  readonly recounted: Recount;
  /** Rows that another backend may see differently. */
  readonly slack: number;
  /** The protocol counts several draws. */
  readonly drawn: boolean;
  /** What the examples of the record say. */
  readonly counted: number;
  /** Without draws the claim may lie below the recount. */
  readonly lower?: boolean;
}

/** An accuracy against the record's examples, or the mean of its own draws, with its interval; and against what the model was seen to do. */
export function checkAccuracy(check: Check, what: string, claimed: Accuracy, { n, recounted, slack, drawn, counted, lower = false }: Counted): void {
  const { draws, correct } = claimed;
  const ci95 = wilson(correct, n);
  const expected = draws === undefined ? counted : Math.round(sum(draws) / Math.max(1, draws.length));
  const consistent = claimed.n === n && correct === expected && claimed.ci95.every((end, i) => Math.abs(end - ci95[i]!) < 1e-12) && (draws?.length ?? 0) === (drawn ? DRAWS : 0);
  const near = (count: number, others: number): boolean => Math.abs(count - recounted.mean) <= slack + byChance(recounted, others);
  const seen = draws === undefined ? near(correct, 1) || (lower && correct < recounted.mean) : draws.every((count) => near(count, 1)) && near(sum(draws) / draws.length, draws.length);
  check(what, consistent && seen, `${consistent ? recounted.mean : expected} of ${n}, recorded as ${correct} of ${claimed.n}`);
}

// As an evaluation of a model that draws makes.
const DRAWS = 10;

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);

/**
 * What the examples say of each attack, against what the entry says.
 *
 * @returns examples that they say stand.
 */
export function checkCounts(check: Check, rows: readonly ExampleRecord[], i: number, { attacks, threat }: EntryEvaluation): number {
  const outcomes = rows.flatMap(({ clean, outcomes: list }) => (list[i] === undefined ? [] : [{ clean, ...list[i] }]));
  const consistent = outcomes.length === rows.length && outcomes.every(({ clean, robust: stands, brokenBy, eps }) => eps === threat.eps && stands === (clean && brokenBy === null) && (clean || brokenBy === null));
  check('outcomes', consistent, consistent ? 'each example is wrong at once, broken, or robust' : 'some example is missing, or said to be robust and broken');

  const correct = outcomes.filter(({ clean }) => clean).length;
  const broken = outcomes.flatMap(({ brokenBy }) => brokenBy ?? []);
  const brokenUpTo = (place: number): number => broken.filter((id) => attacks.slice(0, place + 1).some((attack) => attack.id === id)).length;
  const fits = attacks.every(({ id, rows: ran, brokenAlone, brokenUnion }, place) => {
    const before = attacks[place - 1]?.brokenUnion ?? 0;
    // Where a later attack has the same name, examples do not tell the two apart.
    const named = attacks.slice(place + 1).some((later) => attacks.slice(0, place + 1).some((one) => one.id === later.id)) || brokenUnion === brokenUpTo(place);
    return id !== '' && ran <= correct && brokenAlone <= ran && brokenUnion >= before && brokenUnion - before <= brokenAlone && named;
  });
  const total = (attacks.at(-1)?.brokenUnion ?? 0) === broken.length && brokenUpTo(attacks.length - 1) === broken.length;
  check('attack counts', fits && total, `${broken.length} broken in all; recorded: ${attacks.map(({ id, brokenUnion }) => `${id} ${brokenUnion}`).join(', ')}`);
  return outcomes.filter(({ robust: stands }) => stands).length;
}
