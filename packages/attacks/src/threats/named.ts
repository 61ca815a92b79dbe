import { type ThreatModel, threatModel } from '@robustjs/core';
import { framing } from '../masks/framing.ts';
import { patch } from '../masks/patch.ts';
import { pixels } from '../masks/pixels.ts';
import { l0 } from './l0.ts';

const threats: Readonly<Record<string, (eps: number | string) => ThreatModel>> = { L0: l0, patch, framing, pixels };

/**
 * The threat model with this name: those of the core and those of this package.
 *
 * @param norm `'Linf'`, `'L2'`, `'L1'`, `'L0'`, `'patch'` (a square), `'framing'` or `'pixels'`.
 * @param eps a distance in the units of the bounds; a number of pixels for the last four.
 * @throws RobustError `RJS_NORM` for another name, `RJS_EPS` for the budget.
 */
export const threatNamed = (norm: string, eps: number | string): ThreatModel =>
  (Object.hasOwn(threats, norm) ? threats[norm]! : (size: number | string) => threatModel(norm, size))(eps);
