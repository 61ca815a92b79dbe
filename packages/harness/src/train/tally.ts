import type { GradientFigures } from './gradient.ts';

/** Sums over the examples of an epoch so far; a plain value, so that a checkpoint keeps it to the bit. */
export interface Tally {
  readonly rows: number;
  readonly loss: number;
  /** By term: the sum, and the examples of the steps that logged it. */
  readonly terms: Readonly<Record<string, readonly [sum: number, rows: number]>>;
}

/** Before the first step of an epoch. */
export const emptyTally: Tally = { rows: 0, loss: 0, terms: {} };

/** The sums after one more step over `rows` examples. */
export function addToTally(tally: Tally, { loss, terms }: GradientFigures, rows: number): Tally {
  const grown = Object.entries(terms).map(([name, value]) => {
    const [sum, count] = tally.terms[name] ?? [0, 0];
    return [name, [sum + value * rows, count + rows]] as const;
  });
  return { rows: tally.rows + rows, loss: tally.loss + loss * rows, terms: { ...tally.terms, ...Object.fromEntries(grown) } };
}

/** The means. */
export function tallyMeans({ rows, loss, terms }: Tally): { loss: number; terms: Record<string, number> } {
  return { loss: loss / rows, terms: Object.fromEntries(Object.entries(terms).map(([name, [sum, count]]) => [name, sum / count])) };
}
