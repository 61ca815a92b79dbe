import { getKernel, type NamedAttrMap, type NamedTensorInfoMap, type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { type AddedKernel, input, type KernelArgs } from '../kernels/heap.ts';
import { ACTIVATIONS } from './activations.ts';
import type { NativeFunctions } from './module.ts';
import { address } from './scratch.ts';

/**
 * TF.js's fused ops, those of tf.layers and tf.GraphModel: the plain kernel, then bias and activation in place. TF.js's own lose NaN.
 * How they are differentiated stands in gradients/fused.ts.
 */
export const fusedKernels = (native: NativeFunctions): AddedKernel[] => [
  fused(native, 'FusedConv2D', 'Conv2D', ['x', 'filter']),
  fused(native, 'FusedDepthwiseConv2D', 'DepthwiseConv2dNative', ['x', 'filter']),
  fused(native, '_FusedMatMul', 'BatchMatMul', ['a', 'b']),
];

const fused = (native: NativeFunctions, kernelName: string, plain: string, operands: readonly [string, string]): AddedKernel => ({
  kernelName,
  floats: true,
  run: (args) => {
    const { backend, attrs, inputs } = args;
    const y = run(backend, plain, { [operands[0]]: input(args, operands[0]), [operands[1]]: input(args, operands[1]) }, attrs);
    const biased = inputs['bias'] === undefined ? y : addBias(native, backend, y, inputs['bias']);
    return activate(native, args, biased);
  },
});

/** A kernel as it is registered now. */
function run(backend: BackendWasm, kernelName: string, inputs: NamedTensorInfoMap, attrs: NamedAttrMap): TensorInfo {
  return getKernel(kernelName, 'wasm').kernelFunc({ inputs, attrs, backend }) as TensorInfo;
}

/** The result takes the place of y. */
function replaced(backend: BackendWasm, y: TensorInfo, by: TensorInfo): TensorInfo {
  backend.disposeData(y.dataId);
  return by;
}

const ADD = 0;

function addBias(native: NativeFunctions, backend: BackendWasm, y: TensorInfo, bias: TensorInfo): TensorInfo {
  const channels = y.shape.at(-1)!;
  if (util.sizeFromShape(bias.shape) !== channels || bias.shape.at(-1) !== channels) return replaced(backend, y, run(backend, 'Add', { a: y, b: bias }, {}));
  const at = address(backend, y);
  native.binary(ADD, 1, util.sizeFromShape(y.shape.slice(0, -1)), channels, at, address(backend, bias), at);
  return y;
}

const IN_PLACE = { relu6: ACTIVATIONS.Relu6, leakyrelu: ACTIVATIONS.LeakyRelu, elu: ACTIVATIONS.Elu } as const;

function activate(native: NativeFunctions, { backend, inputs, attrs }: KernelArgs, y: TensorInfo): TensorInfo {
  const activation = (attrs['activation'] ?? 'linear') as string;
  const [at, size] = [address(backend, y), util.sizeFromShape(y.shape)];
  if (activation === 'linear') return y;
  if (activation === 'sigmoid') return replaced(backend, y, run(backend, 'Sigmoid', { x: y }, {}));
  if (activation === 'prelu') return replaced(backend, y, run(backend, 'Prelu', { x: y, alpha: inputs['preluActivationWeights'] }, {}));
  if (activation === 'relu') native.relu(at, at, size);
  else native.activation(IN_PLACE[activation as keyof typeof IN_PLACE], size, activation === 'leakyrelu' ? (attrs['leakyreluAlpha'] as number) : 1, at, at);
  return y;
}
