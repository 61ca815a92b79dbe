import type { SanityCheck } from './check.ts';

// Failing these leaves the model fit for the table, with a mark: its true robustness is likely lower than measured.
const UNRELIABLE: ReadonlySet<string> = new Set(['S06', 'S15', 'S16', 'S17', 'S20']);

/** What the sanity checks say of an entry as a whole. */
export interface Verdict {
  /** True: attacks had no useful gradient to follow, so robust accuracy is an upper bound that means little. */
  readonly unreliable: boolean;
  /** Why the entry cannot be taken as a measurement at all; absent where it can. */
  readonly refused?: string;
}

/** Sums up the checks: some failures mark an entry as unreliable, any other refuses it. */
export function verdictOf(sanity: readonly SanityCheck[]): Verdict {
  const failed = sanity.filter(({ status }) => status === 'fail');
  const refused = failed.filter(({ id }) => !UNRELIABLE.has(id)).map(({ id, note }) => `${id}: ${note}`);
  return { unreliable: failed.some(({ id }) => UNRELIABLE.has(id)), ...(refused.length > 0 && { refused: refused.join('; ') }) };
}
