import type { EntryEvaluation } from '../entry.ts';
import type { ExampleRecord } from '../examples.ts';
import { distancesOf, isAllowed } from '../recheck.ts';
import type { Check } from './verified.ts';

/** Adversarial inputs at one budget, and what is known of them. */
export interface Inputs {
  readonly rows: readonly ExampleRecord[];
  /** Which of the entry's budgets. */
  readonly i: number;
  readonly clean: Float32Array;
  readonly values: Float32Array;
  /** Classes predicted at `values`. */
  readonly classes: Int32Array;
  readonly evaluation: EntryEvaluation;
  readonly bounds: readonly [low: number, high: number];
  /** Rows that may be classified otherwise than recorded. */
  readonly allowance: number;
}

const NORMS = ['Linf', 'L2', 'L1', 'L0'] as const;

/** Norm, bounds, distances and misclassification of every stored input. */
export function checkInputs(check: Check, { rows, i, clean, values, classes, evaluation: { threat }, bounds, allowance }: Inputs): void {
  const size = clean.length / Math.max(1, rows.length);
  const cut = (of: Float32Array, row: number): Float32Array => of.subarray(row * size, (row + 1) * size);
  const all = rows.map(({ outcomes, label }, row) => ({ pair: { clean: cut(clean, row), adversarial: cut(values, row) }, recorded: outcomes[i], label, predicted: classes[row]! }));
  const count = (test: (each: (typeof all)[number]) => boolean): number => all.filter(test).length;

  const outside = count(({ pair }) => !isAllowed(pair, threat.type, threat.eps, bounds));
  check('norm and bounds', outside === 0 && bounds.join() === threat.box.join(), `${outside} of ${rows.length} inputs outside ${threat.type} ${threat.eps} in [${bounds.join(', ')}]`);
  const moved = count(({ pair, recorded }) => recorded?.brokenBy === null && pair.clean.some((value, j) => !Object.is(value, pair.adversarial[j])));
  check('untouched inputs', moved === 0, `${moved} inputs differ from the clean ones although nothing broke them`);
  const standing = count(({ recorded, label, predicted }) => typeof recorded?.brokenBy === 'string' && predicted === label);
  check('misclassification', standing <= allowance, `${standing} inputs recorded as broken are classified correctly`);
  const off = count(({ pair, recorded }) => (recorded?.brokenBy === null) !== (recorded?.distances === null) || !distancesAgree(recorded?.distances ?? null, pair));
  check('distances', off === 0, `${off} inputs lie at other distances than recorded`);
}

function distancesAgree(recorded: ExampleRecord['outcomes'][number]['distances'], { clean, adversarial }: { readonly clean: Float32Array; readonly adversarial: Float32Array }): boolean {
  if (recorded === null) return true;
  const measured = distancesOf(adversarial, clean);
  return NORMS.every((norm) => Math.abs(recorded[norm] - measured[norm]) <= 1e-9 * (1 + measured[norm]));
}
