import { engine, getBackend, getKernel, type NamedAttrMap, type NamedTensorMap, type Tensor } from '@tensorflow/tfjs-core';

/** Whether the runtime in use has a kernel of this name; without one an op is composed of ordinary operations. */
export const hasKernel = (name: string): boolean => (getKernel(name, getBackend()) as object | undefined) !== undefined;

/** Runs a kernel of the runtime; its gradient is registered by the runtime as well. */
export const runKernel = (name: string, inputs: NamedTensorMap, attrs: Record<string, unknown> = {}): Tensor[] =>
  [engine().runKernel<Tensor | Tensor[]>(name, inputs, attrs as unknown as NamedAttrMap)].flat();
