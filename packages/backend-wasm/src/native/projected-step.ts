import { util } from '@tensorflow/tfjs-core';
import { type AddedKernel, input, view } from '../kernels/heap.ts';
import type { NativeFunctions } from './module.ts';
import { address } from './scratch.ts';

/**
 * The steps that @robustjs/core asks for by name: x moved along the steepest direction for `gradient` and projected around `clean`, all
 * of one shape. Attributes: `alpha`, `eps`, `low`, `high`. With `alphas`, one length a row, `alpha` is not read.
 */
export const projectedStepKernels = (native: NativeFunctions): AddedKernel[] =>
  ['LinfStep', 'L2Step'].map((kernelName) => ({
    kernelName,
    floats: true,
    run: (args) => {
      const { backend } = args;
      const [x, gradient, clean] = [input(args, 'x'), input(args, 'gradient'), input(args, 'clean')];
      const { alpha, eps, low, high } = args.attrs as unknown as Readonly<Record<'alpha' | 'eps' | 'low' | 'high', number>>;
      const alphas = args.inputs['alphas'];
      const out = backend.makeOutput(x.shape, 'float32');
      const [from, slope, middle, to] = [x, gradient, clean, out].map((tensor) => address(backend, tensor)) as [number, number, number, number];
      const [rows = 1, ...row] = x.shape;
      const size = util.sizeFromShape(row);
      const step = (row: number, count: number, length: number): void => {
        const at = 4 * row * size;
        if (kernelName === 'LinfStep') native.linfStep(count * size, from + at, slope + at, middle + at, length, eps, low, high, to + at);
        else native.l2Step(count, size, from + at, slope + at, middle + at, length, eps, low, high, to + at);
      };
      if (alphas === undefined) step(0, rows, alpha);
      else view(backend, alphas).forEach((length, row) => step(row, 1, length));
      return out;
    },
  }));
