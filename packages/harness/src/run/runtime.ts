import { RobustError, type Runtime } from '@robustjs/core';

const runtimes: Readonly<Record<string, (variant?: string) => Promise<Runtime>>> = {
  wasm: async (variant) => (await import('@robustjs/backend-wasm')).startWasm({ relaxed: variant !== 'simd' }),
};

/**
 * Starts the runtime that a recipe names. Where it was started before, that one is given.
 *
 * @param variant kernel variant that it must have, so that a thread computes the bits that its parent would. Default: the best.
 * @throws RobustError `RJS_RUNTIME` for one that is not known here, or has another variant.
 */
export async function startRuntime(id: string, variant?: string): Promise<Runtime> {
  const start = Object.hasOwn(runtimes, id) ? runtimes[id] : undefined;
  if (start === undefined) {
    throw new RobustError('RJS_RUNTIME', { expected: `a runtime among ${Object.keys(runtimes).join(', ')}`, got: JSON.stringify(id), fix: "write 'wasm' in the recipe" });
  }
  const runtime = await start(variant);
  if (variant === undefined || runtime.variant === variant) return runtime;
  throw new RobustError('RJS_RUNTIME', { expected: `the kernel variant ${variant} of ${id} in every thread`, got: runtime.variant, fix: 'use one worker' });
}
