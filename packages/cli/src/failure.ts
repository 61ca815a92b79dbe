import { exitCodeOf, exitCodes } from './exit-codes.ts';

const ERRORS_PAGE = 'docs/errors/README.md';

/** An error as scripts see it. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  /** Where it is explained; absent for errors that are not ours. */
  readonly docs?: string;
  readonly exitCode: number;
}

/** What to say of a thrown value. Only coded errors were foreseen, so only they have a page. */
function failureOf(error: unknown): Failure {
  const { code, message } = error instanceof Error ? (error as Error & { code?: unknown }) : { code: undefined, message: String(error) };
  if (typeof code === 'string' && code.startsWith('RJS_')) {
    return { code, message, docs: `${ERRORS_PAGE}#${code.toLowerCase()}`, exitCode: exitCodeOf(code) };
  }
  return { code: typeof code === 'string' ? code : 'UNEXPECTED', message, exitCode: exitCodes.failed };
}

/** Prints a mistake in the command line that the parser found, for scripts. */
export function printUsageError(message: string): void {
  // Put together here: RobustError's package must not be loaded for --help.
  const text = `Expected a command line as --help shows it, got ${message.replace(/^error: /, '')} (run it with --help to see the options)`;
  process.stdout.write(`${JSON.stringify({ error: { code: 'RJS_USAGE', message: text, docs: `${ERRORS_PAGE}#rjs_usage` } }, null, 2)}\n`);
}

/** Prints an error: code, message, page; the stack only when asked for. */
export function printFailure(error: unknown, { json, debug }: { readonly json: boolean; readonly debug: boolean }): number {
  const { exitCode, ...failure } = failureOf(error);
  if (json) process.stdout.write(`${JSON.stringify({ error: failure }, null, 2)}\n`);
  process.stderr.write(`error ${failure.code}: ${failure.message}\n`);
  if (failure.docs !== undefined) process.stderr.write(`  see ${failure.docs}\n`);
  if (debug) process.stderr.write(`${stackOf(error)}\n`);
  else if (failure.docs === undefined) process.stderr.write('  run it again with --debug to see where it comes from\n');
  return exitCode;
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `\ncaused by ${stackOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
