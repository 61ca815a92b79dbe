import { type AddedKernel, input } from '../kernels/heap.ts';

/** The same memory under another tensor, counted; TF.js copies it. No kernel here or there writes into its inputs. */
export const identity: AddedKernel = {
  kernelName: 'Identity',
  run: (args) => {
    const { dataId, shape, dtype } = input(args, 'x');
    args.backend.incRef(dataId);
    return { dataId, shape, dtype };
  },
};
