import { RobustError } from '@robustjs/core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { heapOf, memoryOf } from './module.ts';

/** What addresses of 32 bits hold, less what the module starts with; the allocator takes sizes near the end for negative ones. */
const MOST = 2 ** 32 - 2 ** 24;

/**
 * From now on memory that the backend's allocator does not have is an error. By itself it gives address 0, or one whose end lies behind
 * the memory's where its sums run over 32 bits, and kernels and TF.js would write there.
 */
export function refuseMissingMemory(backend: BackendWasm): void {
  const heap = heapOf(backend);
  // Emscripten puts the compiled function in the place of the first one when that is called.
  heap._free(heap._malloc(1));
  const allocate = heap._malloc;
  heap._malloc = (size) => {
    const at = size > MOST ? 0 : allocate(size) >>> 0;
    const held = memoryOf(heap).buffer.byteLength;
    if (size === 0 || (at !== 0 && at + size <= held)) return at;
    if (at !== 0) heap._free(at);
    throw withoutMemory(size, held);
  };
}

const withoutMemory = (size: number, held: number): RobustError =>
  new RobustError('RJS_WASM_MEMORY', {
    expected: `${Math.ceil(size / 2 ** 20)} MiB of WebAssembly memory`,
    got: `no such piece in the ${Math.ceil(held / 2 ** 20)} MiB there are, nor beside them`,
    fix: 'use smaller batches, and dispose tensors that are no longer needed',
  });
