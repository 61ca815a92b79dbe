import type { TensorInfo } from '@tensorflow/tfjs-core';
import { type AddedKernel, input, type KernelArgs } from './heap.ts';

/** Sums rows of x by segment: the gradient of `gather`. Rows whose segment is out of range count nowhere, as in TF.js. */
export const unsortedSegmentSum: AddedKernel = { kernelName: 'UnsortedSegmentSum', run };

function run(args: KernelArgs): TensorInfo {
  const { backend, attrs } = args;
  const [x, segments] = [input(args, 'x'), input(args, 'segmentIds')];
  const count = attrs['numSegments'] as number;
  const rowShape = x.shape.slice(1);
  const out = backend.makeOutput([count, ...rowShape], x.dtype);
  const [from, ids, to] = [x, segments, out].map((tensor) => backend.typedArrayFromHeap(tensor)) as [Float32Array, Int32Array, Float32Array];
  to.fill(0);
  const rowSize = rowShape.reduce((a, b) => a * b, 1);
  ids.forEach((segment, row) => {
    if (segment < 0 || segment >= count) return;
    for (let i = 0; i < rowSize; i++) to[segment * rowSize + i]! += from[row * rowSize + i]!;
  });
  return out;
}
