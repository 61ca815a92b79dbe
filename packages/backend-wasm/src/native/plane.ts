import { util } from '@tensorflow/tfjs-core';
import { type AddedKernel, input } from '../kernels/heap.ts';
import type { NativeFunctions } from './module.ts';
import { address, withScratch } from './scratch.ts';

/**
 * What @robustjs/attacks asks for by name: the shortest displacement of points `[N, ...]` onto planes, `normal` of the same shape and
 * `offset` `[N]`, in the box. Attributes: weighted (L2; else Linf), low, high.
 */
export const planeDisplacement = (native: NativeFunctions): AddedKernel => ({
  kernelName: 'PlaneDisplacement',
  floats: true,
  run: (args) => {
    const { backend } = args;
    const [points, normal, offset] = [input(args, 'points'), input(args, 'normal'), input(args, 'offset')];
    const { weighted, low, high } = args.attrs as unknown as { weighted: boolean; low: number; high: number };
    const out = backend.makeOutput(points.shape, 'float32');
    const [rows = 1, ...row] = points.shape;
    const size = util.sizeFromShape(row);
    const [x, slope, gap, to] = [points, normal, offset, out].map((tensor) => address(backend, tensor)) as [number, number, number, number];
    withScratch(backend, (scratch) => native.planeDisplacement(rows, size, x, slope, gap, weighted ? 1 : 0, low, high, scratch.floats(2 * size), to));
    return out;
  },
});
