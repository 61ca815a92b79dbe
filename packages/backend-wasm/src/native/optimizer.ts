import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import { type AddedKernel, input, type KernelArgs } from '../kernels/heap.ts';
import { forget } from './kept-weights.ts';
import type { NativeFunctions } from './module.ts';
import { address } from './scratch.ts';

/**
 * Optimizer steps that @robustjs/nn asks for by name. They give the new values as outputs; where nothing but the given tensor refers
 * to its data, these are the data themselves, written in place. So the caller has to assign the outputs.
 *
 * - `MomentumStep`: parameter, gradient and, with momentum, slot; attributes rate, momentum, nesterov, decay.
 * - `AdamStep`: parameter, gradient, mean, square; attributes length, beta1, beta2, epsilon, decay.
 */
export const optimizerKernels = (native: NativeFunctions): AddedKernel[] => [
  { kernelName: 'MomentumStep', floats: true, run: (args) => momentumStep(native, args) },
  { kernelName: 'AdamStep', floats: true, run: (args) => adamStep(native, args) },
];

function momentumStep(native: NativeFunctions, args: KernelArgs): TensorInfo[] {
  const { backend, inputs, attrs } = args;
  const [parameter, slot] = [input(args, 'parameter'), inputs['slot']];
  const [nextParameter, nextSlot] = [target(args, parameter), slot && target(args, slot)];
  const at = (tensor: TensorInfo | undefined): number => (tensor === undefined ? 0 : address(backend, tensor));
  const { rate, momentum, nesterov, decay } = attrs as unknown as { rate: number; momentum: number; nesterov: boolean; decay: number };
  native.momentumStep(
    util.sizeFromShape(parameter.shape), at(parameter), at(input(args, 'gradient')), at(slot), at(nextParameter), at(nextSlot),
    rate, momentum, nesterov ? 1 : 0, decay,
  );
  return nextSlot === undefined ? [nextParameter] : [nextParameter, nextSlot];
}

function adamStep(native: NativeFunctions, args: KernelArgs): TensorInfo[] {
  const moved = ['parameter', 'mean', 'square'].map((name) => input(args, name)) as [TensorInfo, TensorInfo, TensorInfo];
  const next = moved.map((tensor) => target(args, tensor)) as [TensorInfo, TensorInfo, TensorInfo];
  const [p, m, v, toP, toM, toV] = [...moved, ...next].map((tensor) => address(args.backend, tensor)) as [number, number, number, number, number, number];
  const { length, beta1, beta2, epsilon, decay } = args.attrs as unknown as Record<'length' | 'beta1' | 'beta2' | 'epsilon' | 'decay', number>;
  native.adamStep(
    util.sizeFromShape(moved[0].shape), p, address(args.backend, input(args, 'gradient')), m, v, toP, toM, toV,
    length, beta1, 1 - beta1, beta2, 1 - beta2, epsilon, decay,
  );
  return next;
}

/** Where a tensor's next values go: its own memory, if nobody else sees that, else new memory. */
function target({ backend }: KernelArgs, tensor: TensorInfo): TensorInfo {
  if (backend.refCount(tensor.dataId) > 1) return backend.makeOutput(tensor.shape, 'float32');
  forget(backend, tensor.dataId);
  backend.incRef(tensor.dataId);
  return { dataId: tensor.dataId, shape: tensor.shape, dtype: tensor.dtype };
}
