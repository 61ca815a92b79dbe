import { expect, test } from 'vitest';
import { startWasm } from '../src/index.ts';

// An engine that refuses this package's modules (they are longer than the probes by which TF.js finds its own way).
const { WebAssembly: engine } = globalThis as unknown as { WebAssembly: { validate(bytes: Uint8Array): boolean } };
const validate = engine.validate.bind(engine);
engine.validate = (bytes) => bytes.length < 1000 && validate(bytes);

test('an engine without SIMD is refused, and told what to do', async () => {
  await expect(startWasm()).rejects.toMatchObject({ code: 'RJS_WASM_SIMD' });
});
