import { RobustError } from '@robustjs/core';

/** A number that must lie in a range. */
export function checkNumber(name: string, value: number, valid: boolean, range: string): number {
  if (Number.isFinite(value) && valid) return value;
  throw new RobustError('RJS_METRIC_OPTION', { expected: `${name} to be ${range}`, got: String(value), fix: 'see the option in the documentation' });
}
