import type { TensorInfo } from '@tensorflow/tfjs-core';
import { type AddedKernel, input, type KernelArgs } from '../kernels/heap.ts';
import { poolGeometry } from '../kernels/pool-geometry.ts';
import { axisTable } from './axis-table.ts';
import type { NativeFunctions } from './module.ts';
import { address, withScratch } from './scratch.ts';

/**
 * Max and average pooling over two and three axes. The gradient of an average is spread over as many elements as were averaged;
 * TF.js spreads it over the whole window, also where part of that lies outside. `MaxPoolGather` (a value of `from` for each maximum of
 * `input`) is the gradient of the gradients of max pooling.
 */
export const poolKernels = (native: NativeFunctions): AddedKernel[] => [
  ...['MaxPool', 'MaxPool3D'].map((kernelName) => forward(kernelName, (...sizes) => native.maxPool(...sizes))),
  ...['AvgPool', 'AvgPool3D'].map((kernelName) => forward(kernelName, (...sizes) => native.averagePool(...sizes))),
  ...['MaxPoolGrad', 'MaxPool3DGrad'].map((kernelName) => ({
    kernelName,
    floats: true,
    run: (args: KernelArgs) => backward(args, (batch, channels, axes, dy, x, dx) => native.maxPoolGradient(batch, channels, axes, dy, x, dx)),
  })),
  ...['AvgPoolGrad', 'AvgPool3DGrad'].map((kernelName) => ({
    kernelName,
    floats: true,
    run: (args: KernelArgs) => backward(args, (batch, channels, axes, dy, _x, dx) => native.averagePoolGradient(batch, channels, axes, dy, dx)),
  })),
  { kernelName: 'MaxPoolGather', floats: true, run: (args) => gather(native, args) },
];

const forward = (kernelName: string, compute: NativeFunctions['maxPool']): AddedKernel => ({
  kernelName,
  floats: true,
  run: ({ backend, inputs, attrs }) => {
    const x = inputs['x'] as TensorInfo;
    const { batch, channels, axes, shape } = poolGeometry(x.shape, attrs);
    const y = backend.makeOutput(shape, 'float32');
    withScratch(backend, (scratch) => compute(batch, channels, scratch.table(axisTable(axes)), address(backend, x), address(backend, y)));
    return y;
  },
});

function backward(args: KernelArgs, compute: NativeFunctions['maxPoolGradient']): TensorInfo {
  const { backend, attrs } = args;
  const [dy, x] = [input(args, 'dy'), input(args, 'input')];
  const { batch, channels, axes } = poolGeometry(x.shape, attrs);
  const dx = backend.makeOutput(x.shape, 'float32');
  withScratch(backend, (scratch) => {
    compute(batch, channels, scratch.table(axisTable(axes)), address(backend, dy), address(backend, x), address(backend, dx));
  });
  return dx;
}

function gather(native: NativeFunctions, args: KernelArgs): TensorInfo {
  const { backend, attrs } = args;
  const [from, x] = [input(args, 'from'), input(args, 'input')];
  const { batch, channels, axes, shape } = poolGeometry(x.shape, attrs);
  const y = backend.makeOutput(shape, 'float32');
  withScratch(backend, (scratch) => {
    native.maxPoolGather(batch, channels, scratch.table(axisTable(axes)), address(backend, from), address(backend, x), address(backend, y));
  });
  return y;
}
