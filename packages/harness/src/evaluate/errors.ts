import { RobustError } from '@robustjs/core';

type Kind = 'MODEL' | 'IMAGES' | 'RANGE' | 'LABELS' | 'IDS' | 'OUTPUT' | 'OPTION';

/** An error about what an evaluation was given. */
export const wrong = (kind: Kind, expected: string, got: string, fix: string, cause?: unknown): RobustError =>
  new RobustError(`RJS_EVALUATE_${kind}`, { expected, got, fix, cause });

/**
 * Lets go of an evaluation that was asked to stop.
 *
 * @throws RobustError `RJS_ABORTED`.
 */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return;
  throw new RobustError('RJS_ABORTED', {
    expected: 'to evaluate to the end',
    got: 'a request to stop',
    fix: 'run it again',
    cause: signal.reason,
  });
}
