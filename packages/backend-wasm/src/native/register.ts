import { registerReluGradient } from '../gradients/relu.ts';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { registerBatchNormGradients } from '../gradients/batch-norm.ts';
import { type AddedKernel, install } from '../kernels/heap.ts';
import { batchNormKernels } from './batch-norm.ts';
import { binaryKernels } from './binary.ts';
import { compareKernels } from './compare.ts';
import { conv2d } from './conv2d.ts';
import { conv2dFilterGradient } from './conv2d-filter-gradient.ts';
import { conv2dInputGradient } from './conv2d-input-gradient.ts';
import { identity } from './identity.ts';
import { freeWithData } from './kept-weights.ts';
import { batchMatMul } from './mat-mul.ts';
import type { NativeFunctions } from './module.ts';
import { padV2 } from './pad.ts';
import { reluKernels } from './relu.ts';
import { slice } from './slice.ts';
import { sumKernels } from './sum.ts';

/** Puts the compiled kernels in the place of the rewrites that serve where they cannot be linked. */
export function registerNative(backend: BackendWasm, native: NativeFunctions): void {
  freeWithData(backend);
  const kernels: AddedKernel[] = [
    batchMatMul(native),
    ...batchNormKernels(native),
    ...binaryKernels(native),
    ...compareKernels(native),
    conv2d(native),
    conv2dFilterGradient(native),
    conv2dInputGradient(native),
    identity,
    padV2,
    ...reluKernels(native),
    slice,
    ...sumKernels(native),
  ];
  kernels.forEach(install);
  registerBatchNormGradients();
  registerReluGradient();
}
