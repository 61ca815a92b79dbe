const EVENTS = ['uncaughtException', 'unhandledRejection'] as const;

/**
 * Runs `start` and takes out the process-wide exception listeners that it added; those from before stay. The emscripten glue
 * adds listeners that rethrow, which changes how the whole program reports its errors. In a browser nothing is to do.
 */
export async function withoutNewListeners<T>(start: () => Promise<T>): Promise<T> {
  if (typeof process === 'undefined' || typeof process.listeners !== 'function') return start();
  const before = new Map(EVENTS.map((event) => [event, new Set(listenersOf(event))]));
  try {
    return await start();
  } finally {
    for (const event of EVENTS)
      for (const listener of listenersOf(event)) if (!before.get(event)?.has(listener)) process.removeListener(event, listener);
  }
}

type Listener = (...args: unknown[]) => void;

function listenersOf(event: (typeof EVENTS)[number]): Listener[] {
  return process.listeners(event as 'uncaughtException') as Listener[];
}
