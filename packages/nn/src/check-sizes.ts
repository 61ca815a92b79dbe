import { RobustError } from '@robustjs/core';

/** What every architecture is told. */
interface Sizes {
  readonly inputShape: readonly number[];
  readonly classes: number;
  readonly widths: readonly number[];
  readonly blocks?: number;
}

/**
 * Refuses sizes that no network can have, before any layer is made.
 *
 * @throws RobustError `RJS_ARCHITECTURE`.
 */
export function checkSizes({ inputShape, classes, widths, blocks = 1 }: Sizes): void {
  const numbers = [...inputShape, ...widths, classes, blocks];
  const axes = inputShape.length - 1;
  if (axes < 1 || axes > 3 || widths.length === 0 || !numbers.every((n) => Number.isSafeInteger(n) && n > 0)) {
    throw new RobustError('RJS_ARCHITECTURE', {
      expected: '1 to 3 spatial axes and then channels, and whole numbers above 0',
      got: JSON.stringify({ inputShape, classes, widths, blocks }),
      fix: "write inputShape as [28, 28, 1], without the batch axis; a series of length L with C channels is [L, C]",
    });
  }
}
