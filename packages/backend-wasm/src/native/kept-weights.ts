import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { heapOf } from './module.ts';

/*
 * Filters in the order in which kernels read them, kept as long as the data they were made from: an attack packs once for all its
 * steps. No kernel writes into its inputs, and a variable that is assigned to takes other data with an identity of its own, so
 * what is kept cannot go stale; it is freed with the data.
 */

const kept = new WeakMap<object, Map<string, number>>();

/**
 * Address of `floats` values made by `fill` from a tensor, made once for its data and this key.
 *
 * @param key whatever the values depend on besides the data.
 */
export function keptFor(backend: BackendWasm, tensor: TensorInfo, key: string, floats: number, fill: (to: number) => void): number {
  const known = kept.get(tensor.dataId) ?? new Map<string, number>();
  kept.set(tensor.dataId, known);
  const found = known.get(key);
  if (found !== undefined) return found;
  const at = heapOf(backend)._malloc(floats * 4) >>> 0;
  fill(at);
  known.set(key, at);
  return at;
}

/** From now on what was kept for a tensor's data is freed with them. */
export function freeWithData(backend: BackendWasm): void {
  const dispose = backend.disposeData.bind(backend);
  backend.disposeData = (dataId, force) => {
    const gone = dispose(dataId, force);
    if (gone) {
      for (const at of kept.get(dataId)?.values() ?? []) heapOf(backend)._free(at);
      kept.delete(dataId);
    }
    return gone;
  };
}
