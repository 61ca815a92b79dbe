import { apgdCe, apgdDlr, apgdT, fab, fabT, square } from '@robustjs/attacks';
import type { Attack } from '@robustjs/core';

/** A published composition: what AutoAttack is unless somebody says otherwise, its longer form, and the one for models that draw random numbers. */
export type Version = 'standard' | 'plus' | 'rand';

/** What {@link autoAttackMembers} takes besides version and norm. */
export interface MembersOptions {
  /** Queries of Square. Default 5000; fewer are not AutoAttack. */
  readonly queries?: number;
}

/**
 * The attacks of a version, in order, for an evaluation that records each of them. It gives each member the rows that all
 * before it left standing, from their clean inputs.
 *
 * @param norm `'Linf'`, `'L2'` or `'L1'`, which has settings of its own in `standard`.
 * @throws RobustError `RJS_ATTACK_OPTION` for a number of queries that is none.
 */
export function autoAttackMembers(version: Version, norm: string, { queries = 5000 }: MembersOptions = {}): Attack[] {
  switch (version) {
    case 'standard':
      // Under L1 targets are fewer and restarts more, both in shrinking balls (Croce and Hein, ICML 2021).
      return norm === 'L1'
        ? [apgdCe({ restarts: 5, wideStart: true }), apgdT({ targets: 5, wideStart: true }), fabT(), square({ queries })]
        : [apgdCe(), apgdT(), fabT(), square({ queries })];
    case 'plus':
      return [apgdCe({ restarts: 5 }), apgdDlr({ restarts: 5 }), fab({ restarts: 5 }), square({ queries }), apgdT(), fabT()];
    case 'rand':
      return [apgdCe({ eot: 20 }), apgdDlr({ eot: 20 })];
  }
}
