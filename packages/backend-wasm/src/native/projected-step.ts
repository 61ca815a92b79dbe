import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import { type AddedKernel, input, view } from '../kernels/heap.ts';
import type { NativeFunctions } from './module.ts';
import { address } from './scratch.ts';

/**
 * The steps that @robustjs/core asks for by name: x moved along the steepest direction for `gradient` and projected around `clean`, all
 * of one shape. Attributes: `alpha`, `eps`, `low`, `high`. With `alphas`, one length a row, `alpha` is not read. `LinfStep` also takes a step
 * with momentum: `previous`, the iterate before x, and the attribute `plain`, the share of the plain step.
 */
export const projectedStepKernels = (native: NativeFunctions): AddedKernel[] =>
  ['LinfStep', 'L2Step'].map((kernelName) => ({
    kernelName,
    floats: true,
    run: (args) => {
      const { backend } = args;
      const { alpha, plain = 1, eps, low, high } = args.attrs as unknown as Readonly<Record<'alpha' | 'plain' | 'eps' | 'low' | 'high', number>>;
      const { alphas, previous } = args.inputs;
      const [rows = 1, ...row] = input(args, 'x').shape;
      const out = backend.makeOutput([rows, ...row], 'float32');
      const at = (tensor: TensorInfo): number => address(backend, tensor);
      const [x, gradient, clean, to] = [at(input(args, 'x')), at(input(args, 'gradient')), at(input(args, 'clean')), at(out)];
      const before = previous === undefined ? 0 : at(previous);
      const size = util.sizeFromShape(row);
      const step = (row: number, count: number, length: number): void => {
        const by = 4 * row * size;
        if (kernelName === 'L2Step') return native.l2Step(count, size, x + by, gradient + by, clean + by, length, eps, low, high, to + by);
        native.linfStep(count * size, x + by, gradient + by, clean + by, before === 0 ? 0 : before + by, length, plain, eps, low, high, to + by);
      };
      if (alphas === undefined) step(0, rows, alpha);
      else view(backend, alphas).forEach((length, row) => step(row, 1, length));
      return out;
    },
  }));
