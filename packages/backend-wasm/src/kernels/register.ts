import { batchMatMul } from './batch-matmul.ts';
import { conv2dBackpropFilter } from './conv2d-backprop-filter.ts';
import { conv2dBackpropInput } from './conv2d-backprop-input.ts';
import { conv3d, conv3dBackpropFilter, conv3dBackpropInput } from './conv3d.ts';
import { depthwiseBackpropFilter, depthwiseBackpropInput } from './depthwise-backprop.ts';
import { type AddedKernel, install } from './heap.ts';
import { maxPool3d, maxPool3dGrad, maxPoolGrad } from './max-pool.ts';
import { nanPassingKernels } from './nan-passing.ts';
import { unsortedSegmentSum } from './unsorted-segment-sum.ts';

const KERNELS: readonly AddedKernel[] = [
  batchMatMul,
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
  ...nanPassingKernels,
  unsortedSegmentSum,
];

/** Registers this package's kernels with the wasm backend. */
export function registerKernels(): void {
  KERNELS.forEach(install);
}
