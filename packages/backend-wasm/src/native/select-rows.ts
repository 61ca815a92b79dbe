import { type AddedKernel, input, view } from '../kernels/heap.ts';
import { assertFloats } from '../kernels/refuse.ts';

/**
 * Whole rows of `yes` or of `no`, by one bool a row: how an attack keeps the better of two iterates. TF.js's Select repeats the first
 * values of a batch where it is given a bool a row, so this has a name of its own.
 */
export const selectRows: AddedKernel = {
  kernelName: 'SelectRows',
  run: (args) => {
    const { backend } = args;
    const [mask, yes, no] = [input(args, 'mask'), input(args, 'yes'), input(args, 'no')];
    assertFloats('SelectRows', [yes, no]);
    const out = backend.makeOutput(yes.shape, 'float32');
    const size = yes.shape.slice(1).reduce((product, n) => product * n, 1);
    // Views are taken after the last allocation, which may move the heap.
    const [taken, left, to] = [view(backend, yes), view(backend, no), view(backend, out)];
    to.set(left);
    backend.typedArrayFromHeap(mask).forEach((chosen, row) => {
      if (chosen === 0) return;
      if (size === 1) to[row] = taken[row]!;
      else to.set(taken.subarray(row * size, (row + 1) * size), row * size);
    });
    return out;
  },
};
