import { getKernel, type KernelFunc, registerKernel, unregisterKernel } from '@tensorflow/tfjs-core';
import { conv2dBackpropFilter } from './conv2d-backprop-filter.ts';
import { conv2dBackpropInput } from './conv2d-backprop-input.ts';
import { depthwiseBackpropFilter, depthwiseBackpropInput } from './depthwise-backprop.ts';
import { conv3d, conv3dBackpropFilter, conv3dBackpropInput } from './conv3d.ts';
import type { AddedKernel } from './heap.ts';
import { maxPool3d, maxPool3dGrad, maxPoolGrad } from './max-pool.ts';
import { unsortedSegmentSum } from './unsorted-segment-sum.ts';

const KERNELS: readonly AddedKernel[] = [
  conv2dBackpropFilter,
  conv2dBackpropInput,
  conv3d,
  conv3dBackpropFilter,
  conv3dBackpropInput,
  depthwiseBackpropFilter,
  depthwiseBackpropInput,
  maxPool3d,
  maxPool3dGrad,
  maxPoolGrad,
  unsortedSegmentSum,
];

/** Registers this package's kernels with the wasm backend. */
export function registerKernels(): void {
  for (const { kernelName, run } of KERNELS) {
    // TF.js warns on the console about a second registration, so the first is taken out.
    if ((getKernel(kernelName, 'wasm') as object | undefined) !== undefined) unregisterKernel(kernelName, 'wasm');
    registerKernel({ kernelName, backendName: 'wasm', kernelFunc: run as unknown as KernelFunc });
  }
}
