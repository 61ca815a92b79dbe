import { type AddedKernel, input, mapped } from '../kernels/heap.ts';
import type { NativeFunctions } from './module.ts';
import { address } from './scratch.ts';

export const reluKernels = (native: NativeFunctions): AddedKernel[] => [
  {
    kernelName: 'Relu',
    run: (args) => {
      const x = input(args, 'x');
      const y = args.backend.makeOutput(x.shape, x.dtype);
      if (x.dtype !== 'float32') return mapped(args.backend, x, y, (value) => Math.max(value, 0));
      native.relu(address(args.backend, x), address(args.backend, y), size(x.shape));
      return y;
    },
  },
  {
    // Its gradient is in gradients/relu.ts.
    kernelName: 'ReluGrad',
    floats: true,
    run: (args) => {
      const [dy, x] = [input(args, 'dy'), input(args, 'x')];
      const dx = args.backend.makeOutput(x.shape, 'float32');
      native.reluGradient(address(args.backend, dy), address(args.backend, x), address(args.backend, dx), size(x.shape));
      return dx;
    },
  },
];

const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
