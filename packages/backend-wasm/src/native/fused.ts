import { getKernel, type NamedAttrMap, type NamedTensorInfoMap, type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { type AddedKernel, input, type KernelArgs } from '../kernels/heap.ts';
import { ACTIVATIONS } from './activations.ts';
import { endedConv2d } from './conv2d.ts';
import { depthwise } from './depthwise.ts';
import { type Ending, finish } from './ending.ts';
import { endedMatMul } from './mat-mul.ts';
import type { NativeFunctions } from './module.ts';
import { address } from './scratch.ts';

/**
 * TF.js's fused ops, those of tf.layers and tf.GraphModel: bias and ReLU in the product's own pass, other activations in place. TF.js's
 * own lose NaN. How they are differentiated stands in gradients/fused.ts.
 */
export const fusedKernels = (native: NativeFunctions): AddedKernel[] => [
  fused(native, 'FusedConv2D', endedConv2d, ({ inputs }) => inputs['filter']!.shape[3]!),
  fused(native, 'FusedDepthwiseConv2D', endedDepthwise, ({ inputs }) => inputs['filter']!.shape[2]! * inputs['filter']!.shape[3]!),
  fused(native, '_FusedMatMul', endedMatMul, ({ inputs, attrs }) => inputs['b']!.shape.at(attrs['transposeB'] === true ? -2 : -1)!),
];

type Ended = (native: NativeFunctions, args: KernelArgs, ending: Ending) => TensorInfo;

const fused = (native: NativeFunctions, kernelName: string, ended: Ended, channelsOf: (args: KernelArgs) => number): AddedKernel => ({
  kernelName,
  floats: true,
  run: (args) => {
    const { backend, attrs } = args;
    const bias = args.inputs['bias'];
    const rectified = attrs['activation'] === 'relu';
    const byChannel = bias === undefined || (util.sizeFromShape(bias.shape) === channelsOf(args) && bias.shape.at(-1) === channelsOf(args));
    if (byChannel) return activate(native, args, ended(native, args, { bias, rectified }));
    const y = ended(native, args, {});
    const biased = replaced(backend, y, run(backend, 'Add', { a: y, b: bias }, {}));
    if (rectified) finish(native, backend, biased, { rectified });
    return activate(native, args, biased);
  },
});

function endedDepthwise(native: NativeFunctions, args: KernelArgs, ending: Ending): TensorInfo {
  const y = depthwise(native, args.backend, input(args, 'x'), input(args, 'filter'), args.attrs);
  finish(native, args.backend, y, ending);
  return y;
}

/** A kernel as it is registered now. */
function run(backend: BackendWasm, kernelName: string, inputs: NamedTensorInfoMap, attrs: NamedAttrMap): TensorInfo {
  return getKernel(kernelName, 'wasm').kernelFunc({ inputs, attrs, backend }) as TensorInfo;
}

/** The result takes the place of y. */
function replaced(backend: BackendWasm, y: TensorInfo, by: TensorInfo): TensorInfo {
  backend.disposeData(y.dataId);
  return by;
}

const IN_PLACE = { relu6: ACTIVATIONS.Relu6, leakyrelu: ACTIVATIONS.LeakyRelu, elu: ACTIVATIONS.Elu } as const;

/** Activations other than ReLU, which is done by now. */
function activate(native: NativeFunctions, { backend, inputs, attrs }: KernelArgs, y: TensorInfo): TensorInfo {
  const activation = (attrs['activation'] ?? 'linear') as string;
  const [at, size] = [address(backend, y), util.sizeFromShape(y.shape)];
  if (activation === 'linear' || activation === 'relu') return y;
  if (activation === 'sigmoid') return replaced(backend, y, run(backend, 'Sigmoid', { x: y }, {}));
  if (activation === 'prelu') return replaced(backend, y, run(backend, 'Prelu', { x: y, alpha: inputs['preluActivationWeights'] }, {}));
  native.activation(IN_PLACE[activation as keyof typeof IN_PLACE], size, activation === 'leakyrelu' ? (attrs['leakyreluAlpha'] as number) : 1, at, at);
  return y;
}
