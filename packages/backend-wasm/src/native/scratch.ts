import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { heapOf } from './module.ts';

/** Where a tensor's values lie in the heap. */
export function address(backend: BackendWasm, tensor: TensorInfo): number {
  return backend.getMemoryOffset(tensor.dataId);
}

/** Temporary memory for one kernel call, given back together. */
export interface Scratch {
  /** Memory for that many floats, not cleared. */
  floats(count: number): number;
  /** The values as 32-bit integers. */
  table(values: Uint32Array): number;
}

/** Runs `work` with scratch memory from the backend's allocator. */
export function withScratch<T>(backend: BackendWasm, work: (scratch: Scratch) => T): T {
  const heap = heapOf(backend);
  const taken: number[] = [];
  const take = (bytes: number): number => {
    const at = heap._malloc(bytes) >>> 0;
    taken.push(at);
    return at;
  };
  try {
    return work({
      floats: (count) => take(count * 4),
      table: (values) => {
        const at = take(values.byteLength);
        new Uint32Array(heap.HEAPU8.buffer, at, values.length).set(values);
        return at;
      },
    });
  } finally {
    for (const at of taken) heap._free(at);
  }
}
