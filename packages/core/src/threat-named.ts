import { RobustError } from './errors.ts';
import { l1 } from './l1.ts';
import { l2 } from './l2.ts';
import { linf } from './linf.ts';
import type { ThreatModel } from './threat.ts';

const threats: Readonly<Record<string, (eps: number | string) => ThreatModel>> = { Linf: linf, L2: l2, L1: l1 };

/**
 * The threat model with this name, as recipes and command lines write it.
 *
 * @param norm `'Linf'`, `'L2'` or `'L1'`.
 * @throws RobustError `RJS_NORM` for another name, `RJS_EPS` for the budget.
 */
export function threatModel(norm: string, eps: number | string): ThreatModel {
  const threat = Object.hasOwn(threats, norm) ? threats[norm] : undefined;
  if (threat === undefined) {
    throw new RobustError('RJS_NORM', {
      expected: `a norm among ${Object.keys(threats).join(', ')}`,
      got: JSON.stringify(norm),
      fix: 'write it as the field does, with a capital letter',
    });
  }
  return threat(eps);
}
