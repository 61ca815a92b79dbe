// The process that runs one arm. It talks to its parent over IPC only; what it prints is for the parent's error messages.
import { RobustError } from '@robustjs/core';
import type { RunEvent, ToWorker } from './events.ts';
import { runRecipe } from './run-recipe.ts';

const stop = new AbortController();
// Ctrl-C reaches the whole process group; the parent decides what it means.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
process.on('disconnect', () => stop.abort());
process.on('message', (message: ToWorker) => {
  if (message.kind === 'stop') stop.abort();
  else void run(message);
});

async function run({ arm, ...options }: Extract<ToWorker, { kind: 'run' }>): Promise<void> {
  try {
    await runRecipe(arm, { ...options, signal: stop.signal, onEvent: send });
  } catch (error) {
    await sendLast(outcomeOf(arm.id, error));
  }
  process.removeAllListeners('disconnect');
  if (process.connected) process.disconnect();
}

function outcomeOf(id: string, error: unknown): RunEvent {
  if (error instanceof RobustError && error.code === 'RJS_ABORTED') return { kind: 'stopped', id };
  const { code, message, stack } = error as Error & { code?: string };
  return { kind: 'failed', id, code: code ?? 'RJS_WORKER', message: message ?? String(error), ...(stack !== undefined && { stack }) };
}

function send(event: RunEvent): void {
  if (process.connected) process.send?.(event);
}

// Disconnecting drops messages that were not handed over yet.
const sendLast = (event: RunEvent): Promise<void> =>
  new Promise((resolve) => (process.connected ? process.send?.(event, undefined, undefined, () => resolve()) : resolve()));
