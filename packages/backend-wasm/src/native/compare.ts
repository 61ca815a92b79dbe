import { type AddedKernel, input, runStock, view } from '../kernels/heap.ts';
import type { NativeFunctions } from './module.ts';
import { address } from './scratch.ts';

/** Comparisons of a float32 tensor with a number on its right; others go the backend's way. */
export const compareKernels = (native: NativeFunctions): AddedKernel[] =>
  ['Greater', 'Less'].map((kernelName) => ({
    kernelName,
    run: (args) => {
      const [a, b] = [input(args, 'a'), input(args, 'b')];
      const isNumber = b.shape.length === 0 && a.dtype === 'float32' && b.dtype === 'float32';
      if (!isNumber) return runStock(args.backend, kernelName, { a, b }, args.attrs);
      const out = args.backend.makeOutput(a.shape, 'bool');
      const count = a.shape.reduce((x, y) => x * y, 1);
      native.compareNumber(kernelName === 'Greater' ? 1 : 0, count, address(args.backend, a), view(args.backend, b)[0]!, address(args.backend, out));
      return out;
    },
  }));
