import { RobustError } from '@robustjs/core';

/** An error as data: structured cloning keeps neither codes nor classes. */
export interface PlainError {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
  readonly cause?: PlainError;
}

/** Anything thrown, as data. */
export function plainError(thrown: unknown): PlainError {
  if (!(thrown instanceof Error)) return { name: 'Error', message: String(thrown) };
  const { name, message, stack, cause } = thrown;
  const { code } = thrown as { code?: unknown };
  return {
    name,
    message,
    ...(typeof code === 'string' && { code }),
    ...(stack !== undefined && { stack }),
    ...(cause !== undefined && { cause: plainError(cause) }),
  };
}

/** The error again, with its code, message and stack; a RobustError where it was one. */
export function errorFrom({ name, message, code, stack, cause }: PlainError): Error {
  const because = cause === undefined ? undefined : errorFrom(cause);
  const error =
    name === 'RobustError' && code !== undefined
      ? new RobustError(code as `RJS_${string}`, { expected: '', got: '', fix: '', cause: because })
      : Object.assign(new Error(message, { cause: because }), { name }, code !== undefined && { code });
  // The parts of a RobustError's message are no longer apart.
  error.message = message;
  if (stack !== undefined) error.stack = stack;
  return error;
}
