import { slice_util, util } from '@tensorflow/tfjs-core';
import { type AddedKernel, input, runStock } from '../kernels/heap.ts';
import { stretches } from './stretches.ts';

/**
 * A block of a tensor, copied in stretches as long as lie together. TF.js goes value by value in four axes, and reads all of the tensor
 * for a block that lies together as a whole.
 */
export const slice: AddedKernel = {
  kernelName: 'Slice',
  run: (args) => {
    const { backend, attrs } = args;
    const x = input(args, 'x');
    const [begin, size] = slice_util.parseSliceParams(x, attrs['begin'] as number[], attrs['size'] as number[]) as [number[], number[]];
    const numeric = x.dtype !== 'string' && x.dtype !== 'complex64';
    if (!numeric) return runStock(backend, 'Slice', { x }, attrs);
    slice_util.assertParamsValid(x, begin, size);
    const out = backend.makeOutput(size, x.dtype);
    if (util.sizeFromShape(size) === 0) return out;
    // Views are taken after the last allocation, which may move the heap.
    const [from, to] = [backend.typedArrayFromHeap(x), backend.typedArrayFromHeap(out)];
    const bytes = new Uint8Array(from.buffer);
    const { starts, stretch } = stretches(x.shape, begin, size);
    const width = stretch * from.BYTES_PER_ELEMENT;
    let target = to.byteOffset;
    for (const start of starts) {
      const source = from.byteOffset + start * from.BYTES_PER_ELEMENT;
      bytes.copyWithin(target, source, source + width);
      target += width;
    }
    return out;
  },
};
