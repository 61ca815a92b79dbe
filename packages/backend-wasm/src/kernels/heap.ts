import {
  getKernel,
  type KernelConfig,
  type KernelFunc,
  type NamedAttrMap,
  type NamedTensorInfoMap,
  registerKernel,
  type TensorInfo,
  unregisterKernel,
} from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { assertFloats } from './refuse.ts';

/** What a kernel function is given, narrowed to what the kernels here use. */
export interface KernelArgs {
  readonly inputs: NamedTensorInfoMap;
  readonly attrs: NamedAttrMap;
  readonly backend: BackendWasm;
}

/** A kernel of this package before registration. */
export interface AddedKernel {
  readonly kernelName: string;
  /** Whether all inputs are read as float32: others are refused. */
  readonly floats?: boolean;
  readonly run: (args: KernelArgs) => TensorInfo | TensorInfo[];
}

/** The input of that name; kernels are only called by ops, which check presence. */
export function input(args: KernelArgs, name: string): TensorInfo {
  return args.inputs[name] as TensorInfo;
}

/** The tensor's values where they lie in the wasm heap. Any allocation may move the heap: take views after the last one. */
export function view(backend: BackendWasm, tensor: TensorInfo): Float32Array {
  return backend.typedArrayFromHeap(tensor) as Float32Array;
}

/** What a function makes of each number of x, in another tensor; for data types that no compiled kernel takes. */
export function mapped(backend: BackendWasm, x: TensorInfo, y: TensorInfo, f: (value: number) => number): TensorInfo {
  const [from, to] = [backend.typedArrayFromHeap(x), backend.typedArrayFromHeap(y)];
  for (let i = 0; i < from.length; i++) to[i] = f(from[i]!);
  return y;
}

/** A float32 tensor of zeros (the heap's memory is not cleared by itself). */
export function zeros(backend: BackendWasm, shape: number[]): TensorInfo {
  const out = backend.makeOutput(shape, 'float32');
  view(backend, out).fill(0);
  return out;
}

const replaced = new Map<string, KernelFunc>();
const added = new Set<string>();

/** Puts a kernel in the place of the backend's own, if there is one; `runStock` still finds the backend's. */
export function install({ kernelName, floats, run }: AddedKernel): void {
  const stock = getKernel(kernelName, 'wasm') as KernelConfig | undefined;
  if (stock !== undefined) {
    if (!added.has(kernelName)) replaced.set(kernelName, stock.kernelFunc);
    // TF.js warns on the console about a second registration, so the first is taken out.
    unregisterKernel(kernelName, 'wasm');
  }
  added.add(kernelName);
  const checked: AddedKernel['run'] = (args) => {
    assertFloats(kernelName, Object.values(args.inputs));
    return run(args);
  };
  registerKernel({ kernelName, backendName: 'wasm', kernelFunc: (floats === true ? checked : run) as unknown as KernelFunc });
}

/** Runs one of the backend's own kernels outside the engine: no tape, no bookkeeping; the caller disposes what it gives. */
export function runStock(backend: BackendWasm, name: string, inputs: NamedTensorInfoMap, attrs: NamedAttrMap): TensorInfo {
  const kernel = replaced.get(name) ?? getKernel(name, 'wasm').kernelFunc;
  return kernel({ inputs, attrs, backend }) as TensorInfo;
}
