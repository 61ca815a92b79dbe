import { util } from '@tensorflow/tfjs-core';
import { type AddedKernel, input, runStock } from '../kernels/heap.ts';
import type { NativeFunctions } from './module.ts';
import { address } from './scratch.ts';

/** Comparisons of a float32 tensor with a number on its right, or with one of its shape; others go the backend's way. */
export const compareKernels = (native: NativeFunctions): AddedKernel[] =>
  ['Greater', 'Less'].map((kernelName) => ({
    kernelName,
    run: (args) => {
      const { backend } = args;
      const [a, b] = [input(args, 'a'), input(args, 'b')];
      const isNumber = b.shape.length === 0;
      const known = a.dtype === 'float32' && b.dtype === 'float32' && (isNumber || util.arraysEqual(a.shape, b.shape));
      if (!known) return runStock(backend, kernelName, { a, b }, args.attrs);
      const out = backend.makeOutput(a.shape, 'bool');
      native.compare(kernelName === 'Greater', util.sizeFromShape(a.shape), address(backend, a), address(backend, b), isNumber ? 0 : 4, address(backend, out));
      return out;
    },
  }));
