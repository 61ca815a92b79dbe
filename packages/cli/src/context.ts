/** What a command works with: where it runs, where it writes, and how it is stopped. */
export interface Context {
  readonly cwd: string;
  /** One JSON object on stdout instead of text. */
  readonly json: boolean;
  /** Stacks with errors. */
  readonly debug: boolean;
  /** Aborted by the first Ctrl-C. */
  readonly signal: AbortSignal;
  /** The arguments as typed, to say how to resume. */
  readonly argv: readonly string[];
  /** A line for people: on stdout, or on stderr where stdout is for JSON. */
  readonly line: (text?: string) => void;
  /** The object that `--json` asks for; without it, nothing. */
  readonly result: (value: object) => void;
}

/** A context on the process's own streams. */
export function contextOf(argv: readonly string[], flags: { json?: boolean; debug?: boolean }, signal: AbortSignal): Context {
  const { json = false, debug = false } = flags;
  const stream = json ? process.stderr : process.stdout;
  return {
    cwd: process.cwd(),
    json,
    debug,
    signal,
    argv,
    line: (text = '') => void stream.write(`${text}\n`),
    result: (value) => void (json && process.stdout.write(`${JSON.stringify(value, null, 2)}\n`)),
  };
}
