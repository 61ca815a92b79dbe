import { util } from '@tensorflow/tfjs-core';
import { type AddedKernel, input, runStock } from '../kernels/heap.ts';
import type { NativeFunctions } from './module.ts';
import { address } from './scratch.ts';

/** Values brought into a range; NaN stays, where TF.js's kernel gives the lower bound. */
export const clipByValue = (native: NativeFunctions): AddedKernel => ({
  kernelName: 'ClipByValue',
  run: (args) => {
    const { backend, attrs } = args;
    const x = input(args, 'x');
    if (x.dtype !== 'float32') return runStock(backend, 'ClipByValue', { x }, attrs);
    const y = backend.makeOutput(x.shape, 'float32');
    const { clipValueMin, clipValueMax } = attrs as unknown as { clipValueMin: number; clipValueMax: number };
    native.clip(util.sizeFromShape(x.shape), address(backend, x), clipValueMin, clipValueMax, address(backend, y));
    return y;
  },
});
