import type { Accuracy, EntryEvaluation } from '../entry.ts';
import type { ExampleRecord } from '../examples.ts';
import { wilson } from '../wilson.ts';
import type { Check } from './verified.ts';

/** An accuracy against a count, with its interval. Over several draws the count is one of them, and the mean is what counts. */
export function checkAccuracy(check: Check, what: string, claimed: Accuracy, correct: number, n: number): void {
  const { draws } = claimed;
  const expected = draws === undefined ? correct : Math.round(draws.reduce((sum, count) => sum + count, 0) / Math.max(1, draws.length));
  const ci95 = wilson(claimed.correct, n);
  const same = claimed.n === n && claimed.correct === expected && claimed.ci95.every((end, i) => Math.abs(end - ci95[i]!) < 1e-12);
  check(what, same, `${expected} of ${n}, recorded as ${claimed.correct} of ${claimed.n}`);
}

/** What the examples say of robust accuracy and of each attack, against what the entry says. */
export function checkCounts(check: Check, rows: readonly ExampleRecord[], i: number, { attacks, robust, threat }: EntryEvaluation): void {
  const outcomes = rows.flatMap(({ clean, outcomes: list }) => (list[i] === undefined ? [] : [{ clean, ...list[i] }]));
  const consistent = outcomes.length === rows.length && outcomes.every(({ clean, robust: stands, brokenBy, eps }) => eps === threat.eps && stands === (clean && brokenBy === null) && (clean || brokenBy === null));
  check('outcomes', consistent, consistent ? 'each example is wrong at once, broken, or robust' : 'some example is missing, or said to be robust and broken');
  checkAccuracy(check, 'robust accuracy', robust, outcomes.filter(({ robust: stands }) => stands).length, rows.length);

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
}
