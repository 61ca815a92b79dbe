import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { heapOf } from './module.ts';

/*
 * Filters in the order in which kernels read them, kept as long as the data they were made from: an attack packs once for all its
 * steps. A variable that is assigned to takes other data with an identity of its own; what writes in place (optimizer.ts, no other
 * kernel) forgets what was kept. So nothing goes stale, and it is freed with the data.
 */

const kept = new WeakMap<object, Map<string, number>>();
const tensors = new WeakMap<object, Map<string, TensorInfo>>();

/**
 * Address of `floats` values made by `fill` from a tensor, made once for its data and this key.
 *
 * @param key whatever the values depend on besides the data.
 */
export function keptFor(backend: BackendWasm, tensor: TensorInfo, key: string, floats: number, fill: (to: number) => void): number {
  return once(kept, tensor.dataId, key, () => {
    const at = heapOf(backend)._malloc(floats * 4) >>> 0;
    fill(at);
    return at;
  });
}

/** The same for a tensor made from another, which keeps its own packed forms. */
export function keptTensor(tensor: TensorInfo, key: string, make: () => TensorInfo): TensorInfo {
  return once(tensors, tensor.dataId, key, make);
}

function once<T>(all: WeakMap<object, Map<string, T>>, owner: object, key: string, make: () => T): T {
  const known = all.get(owner) ?? new Map<string, T>();
  all.set(owner, known);
  const found = known.get(key);
  if (found !== undefined) return found;
  const made = make();
  known.set(key, made);
  return made;
}

/** Frees what was kept for these data: they are gone or have changed. */
export function forget(backend: BackendWasm, dataId: object): void {
  for (const at of kept.get(dataId)?.values() ?? []) heapOf(backend)._free(at);
  kept.delete(dataId);
  const derived = [...(tensors.get(dataId)?.values() ?? [])];
  tensors.delete(dataId);
  for (const tensor of derived) backend.disposeData(tensor.dataId);
}

/** From now on what was kept for a tensor's data is freed with them. */
export function freeWithData(backend: BackendWasm): void {
  const dispose = backend.disposeData.bind(backend);
  backend.disposeData = (dataId, force) => {
    const gone = dispose(dataId, force);
    if (gone) forget(backend, dataId);
    return gone;
  };
}
