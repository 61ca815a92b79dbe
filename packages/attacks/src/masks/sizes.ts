import { parseEps, RobustError } from '@robustjs/core';

/**
 * A whole number of pixels.
 *
 * @throws RobustError `RJS_EPS`.
 */
export function checkPixels(value: number | string): number {
  const pixels = parseEps(value);
  if (pixels === Infinity || Number.isInteger(pixels)) return pixels;
  throw new RobustError('RJS_EPS', { expected: 'a whole number of pixels', got: String(value), fix: 'masks are measured in pixels' });
}
