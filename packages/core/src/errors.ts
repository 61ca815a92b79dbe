/** What an error of RobustJS says: what was expected, what came instead, and how to mend it. */
export interface ErrorParts {
  /** What the function takes, without the word "expected". */
  readonly expected: string;
  /** What it was given. */
  readonly got: string;
  /** What the user does about it. */
  readonly fix: string;
  /** The error that led to this one. */
  readonly cause?: unknown;
}

/**
 * The only error type that RobustJS throws on purpose. Its message reads "Expected …, got … (fix)"; `code` is stable
 * across releases and is listed in docs/errors.
 */
export class RobustError extends Error {
  /** Stable name of the kind of error, such as `RJS_EPS`. */
  readonly code: string;

  constructor(code: `RJS_${string}`, parts: ErrorParts) {
    super(`Expected ${parts.expected}, got ${parts.got} (${parts.fix})`, { cause: parts.cause });
    this.name = 'RobustError';
    this.code = code;
  }
}

/**
 * Ends work that was asked to stop; the reason becomes the error's cause.
 *
 * @throws RobustError `RJS_ABORTED`.
 */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return;
  const fix = 'run it again to continue';
  throw new RobustError('RJS_ABORTED', { expected: 'to run to the end', got: 'a request to stop', fix, cause: signal.reason });
}
