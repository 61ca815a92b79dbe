import { backend_util, type TensorInfo } from '@tensorflow/tfjs-core';
import { type AddedKernel, input, runStock } from '../kernels/heap.ts';
import type { NativeFunctions } from './module.ts';
import { address } from './scratch.ts';

/** The operations of assembly/binary.ts by TF.js's kernel names: with the repeated operand on the right, and on the left. */
const OPERATIONS = { Add: [0, 0], Sub: [1, 2], Multiply: [3, 3], Maximum: [4, 4], Minimum: [5, 5] } as const;

/**
 * Sums, differences, products and extremes of float32 tensors of which one is repeated along neighbouring axes; TF.js walks such pairs
 * index by index. All others go its way.
 */
export const binaryKernels = (native: NativeFunctions): AddedKernel[] =>
  Object.entries(OPERATIONS).map(([kernelName, [right, left]]) => ({
    kernelName,
    run: (args) => {
      const [a, b] = [input(args, 'a'), input(args, 'b')];
      const floats = a.dtype === 'float32' && b.dtype === 'float32';
      const onRight = floats ? repetition(a.shape, b.shape) : undefined;
      const onLeft = floats && onRight === undefined ? repetition(b.shape, a.shape) : undefined;
      const found = onRight ?? onLeft;
      if (found === undefined) return runStock(args.backend, kernelName, { a, b }, args.attrs);
      const [large, small] = onRight === undefined ? [b, a] : [a, b];
      const shape = backend_util.assertAndGetBroadcastShape(a.shape, b.shape);
      const out = args.backend.makeOutput(shape, 'float32');
      const at = (tensor: TensorInfo): number => address(args.backend, tensor);
      native.binary(onRight === undefined ? left : right, found.outer, found.middle, found.inner, at(large), at(small), at(out));
      return out;
    },
  }));

interface Repetition {
  readonly outer: number;
  readonly middle: number;
  readonly inner: number;
}

/** How `small` is repeated to fill `large`: along one run of neighbouring axes; undefined where that is not so. */
function repetition(large: readonly number[], small: readonly number[]): Repetition | undefined {
  if (small.length > large.length) return undefined;
  const filled = [...Array<number>(large.length - small.length).fill(1), ...small];
  const repeated = large.map((size, axis) => size !== filled[axis]);
  if (repeated.some((is, axis) => is && filled[axis] !== 1)) return undefined;
  // Axes of length 1 may count as repeated or not.
  const first = repeated.indexOf(true);
  const last = repeated.lastIndexOf(true);
  const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);
  if (first === -1) return { outer: 1, middle: 1, inner: product(large) };
  if (large.slice(first, last + 1).some((size, i) => size !== 1 && repeated[first + i] !== true)) return undefined;
  return { outer: product(large.slice(0, first)), middle: product(large.slice(first, last + 1)), inner: product(large.slice(last + 1)) };
}
