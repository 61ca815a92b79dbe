import { memory } from '@tensorflow/tfjs-core';
import { startWasm } from '@robustjs/backend-wasm';
import { afterEach, beforeAll, beforeEach, expect } from 'vitest';

/**
 * Starts the WebAssembly runtime for the tests of this file and expects every test to leave as many tensors as it found.
 * Call it once, at the top of a test file.
 */
export function useWasm(): void {
  let before = 0;
  beforeAll(async () => {
    await startWasm();
  });
  beforeEach(() => {
    before = memory().numTensors;
  });
  afterEach(() => {
    expect(memory().numTensors - before, 'tensors that this test left over').toBe(0);
  });
}
