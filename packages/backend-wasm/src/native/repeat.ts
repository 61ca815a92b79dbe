import { util } from '@tensorflow/tfjs-core';
import { type AddedKernel, input } from '../kernels/heap.ts';
import type { NativeFunctions } from './module.ts';
import { address } from './scratch.ts';

/** Attributes of `RepeatAxes`. */
export interface RepeatAttrs {
  readonly shape: number[];
  /** The first repeated axis, and the one after the last; what lies between is of length 1 or absent in the input. */
  readonly from: number;
  readonly to: number;
  readonly divisor: number;
}

/** Values repeated along neighbouring axes of a shape and divided by a number: the gradient of sums and means. */
export const repeatAxes = (native: NativeFunctions): AddedKernel => ({
  kernelName: 'RepeatAxes',
  floats: true,
  run: (args) => {
    const { backend } = args;
    const x = input(args, 'x');
    const { shape, from, to, divisor } = args.attrs as unknown as RepeatAttrs;
    const y = backend.makeOutput(shape, 'float32');
    const [outer, count, inner] = [shape.slice(0, from), shape.slice(from, to), shape.slice(to)].map((part) => util.sizeFromShape(part)) as [number, number, number];
    native.repeatMiddle(outer, count, inner, address(backend, x), address(backend, y), divisor);
    return y;
  },
});
