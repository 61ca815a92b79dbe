import type { TensorInfo } from '@tensorflow/tfjs-core';
import { type AddedKernel, input, runStock } from '../kernels/heap.ts';
import { wrongType } from '../kernels/refuse.ts';

/**
 * A tensor repeated along neighbouring axes of which all but the first have length 1: what broadcasting a value a row, or a
 * channel's, comes to. TF.js goes value by value. Other repetitions go its way.
 */
export const tile: AddedKernel = {
  kernelName: 'Tile',
  run: (args) => {
    const { backend, attrs } = args;
    const x = input(args, 'x');
    const { reps } = attrs as unknown as { reps: readonly number[] };
    const stretch = stretchOf(x, reps);
    // TF.js's kernel ends the whole module here.
    if (x.dtype === 'string') throw wrongType('Tile', x.dtype);
    if (stretch === undefined) return runStock(backend, 'Tile', { x }, attrs);
    const out = backend.makeOutput(x.shape.map((length, axis) => length * reps[axis]!), x.dtype);
    // Views are taken after the last allocation, which may move the heap.
    const [from, to] = [backend.typedArrayFromHeap(x), backend.typedArrayFromHeap(out)];
    const { size, times } = stretch;
    for (let at = 0, start = 0; at < from.length; at += size, start += size * times) {
      if (size === 1) to.fill(from[at]!, start, start + times);
      else for (let i = 0; i < times; i++) to.set(from.subarray(at, at + size), start + i * size);
    }
    return out;
  },
};

/** Values that are repeated together, and how often; undefined where repeated axes are of another form. */
function stretchOf({ shape, dtype }: TensorInfo, reps: readonly number[]): { size: number; times: number } | undefined {
  if (dtype === 'string' || dtype === 'complex64') return undefined;
  const repeated = [...reps.keys()].filter((axis) => reps[axis] !== 1);
  const [first = shape.length, last = shape.length] = [repeated[0], repeated.at(-1)];
  if (shape.slice(first + 1, last + 1).some((length) => length !== 1)) return undefined;
  const product = (values: readonly number[]): number => values.reduce((a, b) => a * b, 1);
  return { size: product(shape.slice(first)), times: product(reps) };
}
