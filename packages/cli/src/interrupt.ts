import { relative } from 'node:path';
import { exitCodes } from './exit-codes.ts';

/** Turns Ctrl-C into an aborted signal. The second one ends the process at once. */
export function onInterrupt(): { readonly signal: AbortSignal; readonly release: () => void } {
  const controller = new AbortController();
  const interrupt = (): void => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted);
    process.stderr.write('\nStopping at the next safe point. Press Ctrl-C again to end at once.\n');
    controller.abort();
  };
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const name of signals) process.on(name, interrupt);
  return {
    signal: controller.signal,
    release: () => signals.forEach((name) => process.removeListener(name, interrupt)),
  };
}

/** The command that continues, with the folder it must continue in. */
export function resumeCommand(argv: readonly string[], outDir: string): string {
  const given = argv.some((part) => part === '--out' || part.startsWith('--out='));
  const parts = [...invocation(), ...argv, ...(given ? [] : ['--out', outDir])];
  return parts.map((part) => (/^[\w./:=@,+-]+$/.test(part) ? part : `'${part.replaceAll("'", String.raw`'\''`)}'`)).join(' ');
}

function invocation(): string[] {
  const script = process.argv[1] ?? 'robustjs';
  if (!/[\\/]main\.js$/.test(script)) return ['npx', 'robustjs'];
  const shorter = relative(process.cwd(), script);
  return ['node', shorter.length < script.length ? shorter : script];
}
