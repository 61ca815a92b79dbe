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
import { reluKernels } from './relu.ts';
import { sumKernels } from './sum.ts';
import { tile } from './tile.ts';

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
    ...reluKernels(native),
    ...sumKernels(native),
    tile,
  ];
  kernels.forEach(install);
  registerBatchNormGradients();
  registerReluGradient();
}
