// What kernels do: calls, time, bytes read and written, and the arithmetic of their products, counted as direct sums of products.
import * as tf from '@tensorflow/tfjs-core';

const size = (info) => (info?.shape ? tf.util.sizeFromShape(info.shape) : 0);
const bytes = (tensors) => Object.values(tensors).flat().reduce((sum, info) => sum + 4 * size(info), 0);
const window = ([rows, columns, channels]) => rows * columns * channels;

/** Multiplications and additions, by kernel; what is not a product is counted in bytes alone. */
const ARITHMETIC = {
  Conv2D: ({ inputs }, out) => 2 * size(out) * window(inputs.filter.shape),
  Conv2DBackpropInput: ({ inputs }) => 2 * size(inputs.dy) * window(inputs.filter.shape),
  Conv2DBackpropFilter: ({ inputs, attrs }) => 2 * size(inputs.dy) * window(attrs.filterShape),
  BatchMatMul: ({ inputs, attrs }, out) => 2 * size(out) * inputs.a.shape.at(attrs.transposeA ? -2 : -1),
};

/** From now on notes every kernel call by kernel and by kernel with shapes; gives the notes. */
export function countKernels() {
  const noted = new Map();
  let depth = 0;
  for (const { kernelName, backendName, kernelFunc, ...rest } of tf.getKernelsForBackend('wasm')) {
    tf.unregisterKernel(kernelName, backendName);
    const counted = (args) => {
      depth++;
      const start = performance.now();
      const out = kernelFunc(args);
      const milliseconds = performance.now() - start;
      // A kernel that another calls is part of that one.
      if (--depth > 0) return out;
      const [first, result] = [Object.values(args.inputs).flat()[0], [out].flat()[0]];
      const amount = { milliseconds, calls: 1, bytes: bytes(args.inputs) + bytes([out].flat()), arithmetic: ARITHMETIC[kernelName]?.(args, result) ?? 0 };
      for (const key of [kernelName, `${kernelName} ${first?.shape?.join('x') ?? ''} ${result?.shape?.join('x') ?? ''}`]) {
        const entry = noted.get(key) ?? { milliseconds: 0, calls: 0, bytes: 0, arithmetic: 0 };
        for (const name of Object.keys(entry)) entry[name] += amount[name];
        noted.set(key, entry);
      }
      return out;
    };
    tf.registerKernel({ ...rest, kernelName, backendName, kernelFunc: counted });
  }
  return noted;
}

/** Sums over kernels. */
export function total(noted) {
  const sum = { milliseconds: 0, calls: 0, bytes: 0, arithmetic: 0 };
  for (const [key, entry] of noted) if (!key.includes(' ')) for (const name of Object.keys(sum)) sum[name] += entry[name];
  return sum;
}
