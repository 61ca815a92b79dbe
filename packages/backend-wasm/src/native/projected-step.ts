import { util } from '@tensorflow/tfjs-core';
import { type AddedKernel, input } from '../kernels/heap.ts';
import type { NativeFunctions } from './module.ts';
import { address } from './scratch.ts';

/**
 * The steps that @robustjs/core asks for by name: x moved along the steepest direction for `gradient` and projected around `clean`, all
 * of one shape. Attributes: `alpha`, `eps`, `low`, `high`.
 */
export const projectedStepKernels = (native: NativeFunctions): AddedKernel[] =>
  ['LinfStep', 'L2Step'].map((kernelName) => ({
    kernelName,
    run: (args) => {
      const { backend } = args;
      const [x, gradient, clean] = [input(args, 'x'), input(args, 'gradient'), input(args, 'clean')];
      const { alpha, eps, low, high } = args.attrs as unknown as Readonly<Record<'alpha' | 'eps' | 'low' | 'high', number>>;
      const out = backend.makeOutput(x.shape, 'float32');
      const [from, slope, middle, to] = [x, gradient, clean, out].map((tensor) => address(backend, tensor)) as [number, number, number, number];
      const [rows = 1, ...row] = x.shape;
      const size = util.sizeFromShape(row);
      if (kernelName === 'LinfStep') native.linfStep(rows * size, from, slope, middle, alpha, eps, low, high, to);
      else native.l2Step(rows, size, from, slope, middle, alpha, eps, low, high, to);
      return out;
    },
  }));
