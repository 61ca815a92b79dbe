import type { Subject } from './networks.ts';
import { usage } from './usage.ts';

/** What the command line says of how far an attacker may go. */
export interface BudgetFlags {
  readonly threat?: string;
  readonly eps?: readonly string[];
}

/** A norm with budgets in its units. */
export interface Budget {
  readonly norm: string;
  readonly eps: readonly (number | string)[];
  /** What was not said, in words; absent where all was. */
  readonly remark?: string;
}

// What CIFAR-10 and most tables are evaluated with.
const DEFAULT_EPS = '8/255';
/** Threat models whose budget counts pixels. */
export const PIXELS: readonly string[] = ['L0', 'patch', 'framing', 'pixels'];

/**
 * The budget asked for; else the recipe's, where the norm is its own; else Linf 8/255, for inputs in [0, 1] alone.
 *
 * @throws RobustError `RJS_USAGE` where a default would be a guess.
 */
export function budgetOf({ recipe, bounds: [low, high] }: Pick<Subject, 'recipe' | 'bounds'>, { threat, eps }: BudgetFlags): Budget {
  const norm = threat ?? recipe?.evaluation.norm ?? 'Linf';
  const own = recipe?.evaluation.norm === norm ? recipe.evaluation.eps.at(-1) : undefined;
  const usual = norm === 'Linf' && low === 0 && high === 1 ? DEFAULT_EPS : undefined;
  const taken = eps ?? [own ?? usual].filter((one) => one !== undefined);
  if (taken.length === 0) {
    const units = PIXELS.includes(norm) ? 'a number of pixels' : `in the units of inputs in [${low}, ${high}]`;
    throw usage(`--eps beside ${norm}, ${units}`, 'none', PIXELS.includes(norm) ? 'for example: --eps 5' : norm === 'Linf' ? `for 8 gray levels of 255: --eps ${(8 / 255) * (high - low)}` : 'there is no usual one; for example: --eps 0.5');
  }
  const defaults = [...(threat === undefined ? [`threat ${norm}`] : []), ...(eps === undefined ? [`eps ${taken.join(', ')}`] : [])];
  return { norm, eps: taken, ...(defaults.length > 0 && { remark: `Not asked for, so taken ${recipe === undefined ? 'by default' : 'from its recipe'}: ${defaults.join(', ')}.` }) };
}
