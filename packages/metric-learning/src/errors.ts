import { RobustError } from '@robustjs/core';

/** A number that must lie in a range. */
export function checkNumber(name: string, value: number, valid: boolean, range: string): number {
  if (Number.isFinite(value) && valid) return value;
  throw new RobustError('RJS_METRIC_OPTION', { expected: `${name} to be ${range}`, got: String(value), fix: 'see the option in the documentation' });
}

/** Embeddings that must be numbers. */
export function checkFinite(values: ArrayLike<number>): void {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) throw notFinite();
}

/** What `RJS_METRIC_EMBEDDINGS` says of NaN and infinity. */
export const notFinite = (): RobustError =>
  new RobustError('RJS_METRIC_EMBEDDINGS', { expected: 'finite embeddings', got: 'NaN or infinity', fix: 'the training diverged: lower the learning rate' });
