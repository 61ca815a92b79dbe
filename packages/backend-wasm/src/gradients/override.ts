import {
  engine, getBackend, getGradient, getKernel, type GradConfig, type NamedAttrMap, type NamedTensorMap, registerGradient, type Tensor, unregisterGradient,
} from '@tensorflow/tfjs-core';

const overrides = new Map<string, GradConfig>();

/** Registers a gradient in the place of TF.js's, which `make` is given for backends without this package's kernels. */
export function overrideGradient(kernelName: string, make: (stock: GradConfig) => GradConfig): void {
  const config = make(getGradient(kernelName));
  overrides.set(kernelName, config);
  put(config);
}

function put(config: GradConfig): void {
  unregisterGradient(config.kernelName);
  registerGradient(config);
}

/** tfjs-layers registers TF.js's gradients again where it is imported after the runtime has started: they are put back as they are needed. */
export function keepOverrides(): void {
  const at = engine();
  const runKernel = at.runKernel.bind(at);
  at.runKernel = (<T extends Tensor>(name: string, inputs: NamedTensorMap, attrs: NamedAttrMap): T => {
    const ours = overrides.get(name);
    if (ours !== undefined && getGradient(name) !== ours) put(ours);
    return runKernel<T>(name, inputs, attrs);
  }) as typeof at.runKernel;
}

/** Whether the backend in use has a kernel of this name. */
export const hasKernel = (name: string): boolean => (getKernel(name, getBackend()) as object | undefined) !== undefined;
