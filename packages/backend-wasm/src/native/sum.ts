import { util } from '@tensorflow/tfjs-core';
import { type AddedKernel, input, runStock } from '../kernels/heap.ts';
import type { NativeFunctions } from './module.ts';
import { address } from './scratch.ts';

/** Sums and means of float32 tensors over neighbouring axes that are not the last; TF.js transposes there first. A mean over nothing is 0, as on its cpu backend. */
export const sumKernels = (native: NativeFunctions): AddedKernel[] =>
  ['Sum', 'Mean'].map((kernelName) => ({
    kernelName,
    run: (args) => {
      const { backend, attrs } = args;
      const x = input(args, 'x');
      const { axis, keepDims } = attrs as unknown as { axis: number | number[]; keepDims: boolean };
      const axes = util.parseAxisParam(axis, x.shape);
      const [first, last] = [Math.min(...axes), Math.max(...axes)];
      const neighbours = last - first + 1 === axes.length && axes.length > 0;
      if (x.dtype !== 'float32' || !neighbours || last === x.shape.length - 1) return runStock(backend, kernelName, { x }, attrs);
      const [outer, middle, inner] = [x.shape.slice(0, first), x.shape.slice(first, last + 1), x.shape.slice(last + 1)];
      const out = backend.makeOutput([...outer, ...(keepDims ? middle.map(() => 1) : []), ...inner], 'float32');
      const count = util.sizeFromShape(middle);
      const factor = kernelName === 'Mean' ? 1 / Math.max(1, count) : 1;
      native.sumMiddle(util.sizeFromShape(outer), count, util.sizeFromShape(inner), address(backend, x), address(backend, out), factor);
      return out;
    },
  }));
