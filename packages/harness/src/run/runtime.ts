import { RobustError, type Runtime } from '@robustjs/core';

const runtimes: Readonly<Record<string, () => Promise<Runtime>>> = {
  wasm: async () => (await import('@robustjs/backend-wasm')).startWasm(),
};

/**
 * Starts the runtime that a recipe names.
 *
 * @throws RobustError `RJS_RUNTIME` for one that is not known here.
 */
export function startRuntime(id: string): Promise<Runtime> {
  const start = Object.hasOwn(runtimes, id) ? runtimes[id] : undefined;
  if (start === undefined) {
    throw new RobustError('RJS_RUNTIME', { expected: `a runtime among ${Object.keys(runtimes).join(', ')}`, got: JSON.stringify(id), fix: "write 'wasm' in the recipe" });
  }
  return start();
}
