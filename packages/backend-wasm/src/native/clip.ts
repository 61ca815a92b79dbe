import { util } from '@tensorflow/tfjs-core';
import { type AddedKernel, input, mapped } from '../kernels/heap.ts';
import type { NativeFunctions } from './module.ts';
import { address } from './scratch.ts';

/** Values brought into a range; NaN stays, where TF.js's kernel gives the lower bound. That takes the bits of integers for floats. */
export const clipByValue = (native: NativeFunctions): AddedKernel => ({
  kernelName: 'ClipByValue',
  run: (args) => {
    const { backend, attrs } = args;
    const x = input(args, 'x');
    const y = backend.makeOutput(x.shape, x.dtype);
    const { clipValueMin, clipValueMax } = attrs as unknown as { clipValueMin: number; clipValueMax: number };
    if (x.dtype !== 'float32') return mapped(backend, x, y, (value) => Math.min(Math.max(value, clipValueMin), clipValueMax));
    native.clip(util.sizeFromShape(x.shape), address(backend, x), clipValueMin, clipValueMax, address(backend, y));
    return y;
  },
});
