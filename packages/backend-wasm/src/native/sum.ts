import { backend_util, type DataType, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { type AddedKernel, input, type KernelArgs, runStock } from '../kernels/heap.ts';
import type { NativeFunctions } from './module.ts';
import { address } from './scratch.ts';

/**
 * Sums and means of float32 tensors over neighbouring axes that are not the last; TF.js transposes there first. Over nothing both
 * are 0, as on its cpu backend; its kernels here leave what stood in the memory.
 */
export const sumKernels = (native: NativeFunctions): AddedKernel[] =>
  ['Sum', 'Mean'].map((kernelName) => ({
    kernelName,
    run: (args) => {
      const { backend, attrs } = args;
      const x = input(args, 'x');
      const { axis, keepDims } = attrs as unknown as { axis: number | number[]; keepDims: boolean };
      const axes = util.parseAxisParam(axis, x.shape);
      if (util.sizeFromShape(x.shape) === 0) return ofNothing(args, kernelName === 'Mean' ? 'float32' : x.dtype, axes, keepDims);
      const [first, last] = [Math.min(...axes), Math.max(...axes)];
      const neighbours = last - first + 1 === axes.length && axes.length > 0;
      if (x.dtype !== 'float32' || !neighbours || last === x.shape.length - 1) return runStock(backend, kernelName, { x }, attrs);
      const [outer, middle, inner] = [x.shape.slice(0, first), x.shape.slice(first, last + 1), x.shape.slice(last + 1)];
      const out = backend.makeOutput([...outer, ...(keepDims ? middle.map(() => 1) : []), ...inner], 'float32');
      const count = util.sizeFromShape(middle);
      const factor = kernelName === 'Mean' ? 1 / count : 1;
      native.sumMiddle(util.sizeFromShape(outer), count, util.sizeFromShape(inner), address(backend, x), address(backend, out), factor);
      return out;
    },
  }));

function ofNothing({ backend, inputs }: KernelArgs, dtype: DataType, axes: number[], keepDims: boolean): TensorInfo {
  const [shape] = backend_util.computeOutAndReduceShapes(inputs['x']!.shape, axes);
  const out = backend.makeOutput(keepDims ? backend_util.expandShapeToKeepDim(shape, axes) : shape, dtype);
  backend.typedArrayFromHeap(out).fill(0);
  return out;
}
