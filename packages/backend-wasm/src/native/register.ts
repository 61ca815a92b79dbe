import { type AddedKernel, install } from '../kernels/heap.ts';
import { conv2d } from './conv2d.ts';
import { conv2dFilterGradient } from './conv2d-filter-gradient.ts';
import { conv2dInputGradient } from './conv2d-input-gradient.ts';
import type { NativeFunctions } from './module.ts';

const KERNELS: readonly ((native: NativeFunctions) => AddedKernel)[] = [conv2d, conv2dFilterGradient, conv2dInputGradient];

/** Puts the compiled kernels in the place of the rewrites that serve where they cannot be linked. */
export function registerNative(native: NativeFunctions): void {
  for (const kernel of KERNELS) install(kernel(native));
}
