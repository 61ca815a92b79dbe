import type { TensorInfo } from '@tensorflow/tfjs-core';
import { type AddedKernel, input, runStock } from '../kernels/heap.ts';

/**
 * Rows of a tensor picked by a list of places, copied whole; TF.js goes value by value. It is how rows leave an attack. Places along
 * another axis, in batches, or out of range go TF.js's way.
 */
export const gather: AddedKernel = {
  kernelName: 'GatherV2',
  run: (args) => {
    const { backend, attrs } = args;
    const [x, indices] = [input(args, 'x'), input(args, 'indices')];
    const { axis, batchDims } = attrs as unknown as { axis: number; batchDims: number };
    const [length = 0, ...row] = x.shape;
    const plain = axis === 0 && batchDims === 0 && indices.dtype === 'int32' && x.dtype !== 'string' && x.dtype !== 'complex64';
    const places = plain ? (backend.typedArrayFromHeap(indices) as Int32Array) : undefined;
    if (places === undefined || !places.every((place) => place >= 0 && place < length)) return runStock(backend, 'GatherV2', { x, indices }, attrs);
    const out = backend.makeOutput([...indices.shape, ...row], x.dtype);
    copyRows(backend, x, indices, out, row.reduce((size, n) => size * n, 1));
    return out;
  },
};

// Views are taken after the last allocation, which may move the heap.
function copyRows(backend: Parameters<typeof runStock>[0], x: TensorInfo, indices: TensorInfo, out: TensorInfo, size: number): void {
  const [from, places, to] = [x, indices, out].map((tensor) => backend.typedArrayFromHeap(tensor)) as [Float32Array, Int32Array, Float32Array];
  places.forEach((place, i) => to.set(from.subarray(place * size, (place + 1) * size), i * size));
}
