import { RobustError } from './errors.ts';

/**
 * Reads a perturbation budget in the units of the model's bounds.
 *
 * @param eps a number (`0.03`), or a string holding a number or a fraction (`'8/255'`).
 * @returns the budget: zero or more; `Infinity`, no budget, for attacks that look for the nearest adversarial input.
 * @throws RobustError `RJS_EPS` on anything else.
 */
export function parseEps(eps: number | string): number {
  const parts = typeof eps === 'number' ? [eps] : eps.split('/').map((part) => (part.trim() === '' ? NaN : Number(part)));
  const [numerator = NaN, denominator = 1] = parts;
  const value = numerator / denominator;
  if (parts.length > 2 || !(value >= 0) || (value === Infinity && numerator !== Infinity)) {
    throw new RobustError('RJS_EPS', {
      expected: 'eps as a non-negative number or a fraction',
      got: JSON.stringify(eps) ?? String(eps),
      fix: "write 0.03 or '8/255', in the units of the model's bounds",
    });
  }
  return value;
}
