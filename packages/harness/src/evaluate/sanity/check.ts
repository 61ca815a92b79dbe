/** How a sanity check came out. */
export type SanityStatus = 'pass' | 'warn' | 'fail' | 'info' | 'skipped';

/** One sanity check of an evaluation (section 6 of the evaluation protocol), as it stands in the record. */
export interface SanityCheck {
  /** Number of the check, such as `S06`. */
  id: string;
  status: SanityStatus;
  /** What was measured; null where nothing was. */
  value: number | null;
  /** Largest value that passes; null where there is no such limit. */
  threshold: number | null;
  /** Examples looked at. */
  n: number;
  /** Seed of the random draws. */
  seed: number;
  /** SHA-256 of the attack's name and options, where the check ran one of its own. */
  attackConfigHash?: string | undefined;
  /** What value and threshold mean, and what was found. */
  note: string;
}

/** A check without what all checks of an evaluation share. */
export type Finding = Omit<SanityCheck, 'seed'>;

/** A check that could not be made. */
export const skipped = (id: string, note: string): Finding => ({ id, status: 'skipped', value: null, threshold: null, n: 0, note });

/** Number of true values. */
export const countTrue = (values: readonly boolean[]): number => values.filter(Boolean).length;

/** Rows on which two attacks differ: broken by the first only, and by the second only. */
export function discordant(a: readonly boolean[], b: readonly boolean[]): { readonly onlyFirst: number; readonly onlySecond: number } {
  return {
    onlyFirst: a.filter((broken, row) => broken && !b[row]).length,
    onlySecond: b.filter((broken, row) => broken && !a[row]).length,
  };
}

/**
 * How far a share may lie on the wrong side by chance: half a point, or two standard deviations of a paired difference.
 */
export function tolerance(a: readonly boolean[], b: readonly boolean[]): number {
  const { onlyFirst, onlySecond } = discordant(a, b);
  return Math.max(0.005, (2 * Math.sqrt(onlyFirst + onlySecond)) / Math.max(1, a.length));
}
