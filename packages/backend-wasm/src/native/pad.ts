import { util } from '@tensorflow/tfjs-core';
import { type AddedKernel, input, runStock } from '../kernels/heap.ts';
import { stretches } from './stretches.ts';

/** A tensor inside a larger one of a constant, copied in stretches as long as lie together. */
export const padV2: AddedKernel = {
  kernelName: 'PadV2',
  run: (args) => {
    const { backend, attrs } = args;
    const x = input(args, 'x');
    const { paddings, constantValue } = attrs as unknown as { paddings: readonly (readonly [before: number, after: number])[]; constantValue: number };
    const numeric = x.dtype === 'float32' || x.dtype === 'int32';
    if (!numeric || x.shape.length === 0) return runStock(backend, 'PadV2', { x }, attrs);
    const shape = x.shape.map((length, axis) => paddings[axis]![0] + length + paddings[axis]![1]);
    const out = backend.makeOutput(shape, x.dtype);
    // Views are taken after the last allocation, which may move the heap.
    const [from, to] = [backend.typedArrayFromHeap(x), backend.typedArrayFromHeap(out)];
    to.fill(constantValue);
    if (util.sizeFromShape(x.shape) === 0) return out;
    const bytes = new Uint8Array(from.buffer);
    const { starts, stretch } = stretches(shape, paddings.map(([before]) => before), x.shape);
    const width = stretch * from.BYTES_PER_ELEMENT;
    let source = from.byteOffset;
    for (const start of starts) {
      bytes.copyWithin(to.byteOffset + start * from.BYTES_PER_ELEMENT, source, source + width);
      source += width;
    }
    return out;
  },
};
