import type { NamedAttrMap, TensorInfo } from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { type ConvGeometry, convGeometry } from '../kernels/conv-geometry.ts';
import { type AddedKernel, input, zeros } from '../kernels/heap.ts';
import { axisTable } from './axis-table.ts';
import { loader, type PaddedShape, paddedWidth } from './images.ts';
import type { NativeFunctions } from './module.ts';
import { address, type Scratch, withScratch } from './scratch.ts';

/** Depthwise convolution and its gradients. TF.js has none of the gradients on wasm. */
export const depthwiseKernels = (native: NativeFunctions): AddedKernel[] => [
  {
    kernelName: 'DepthwiseConv2dNative',
    floats: true,
    run: (args) => depthwise(native, args.backend, input(args, 'x'), input(args, 'filter'), args.attrs),
  },
  {
    kernelName: 'DepthwiseConv2dNativeBackpropInput',
    floats: true,
    run: (args) => {
      const filter = input(args, 'filter');
      const geometry = convGeometry(args.attrs['inputShape'] as number[], filter.shape, args.attrs, true);
      return inputGradient(native, args.backend, geometry, input(args, 'dy'), filter);
    },
  },
  {
    kernelName: 'DepthwiseConv2dNativeBackpropFilter',
    floats: true,
    run: (args) => {
      const [x, shape] = [input(args, 'x'), args.attrs['filterShape'] as number[]];
      return filterGradient(native, args.backend, convGeometry(x.shape, shape, args.attrs, true), x, input(args, 'dy'), shape);
    },
  },
];

/** The convolution as a new tensor; windows may be dilated. */
export function depthwise(native: NativeFunctions, backend: BackendWasm, x: TensorInfo, filter: TensorInfo, attrs: NamedAttrMap): TensorInfo {
  // The fused op passes on a number as it was given.
  const [down, across = down] = [attrs['dilations'] ?? 1].flat() as [number, number?];
  const dilations: [number, number] = [down, across];
  const geometry = convGeometry(x.shape, filter.shape, attrs, true, dilations);
  const { batch, rows, columns, outChannels } = geometry;
  const y = backend.makeOutput([batch, rows.output, columns.output, outChannels], 'float32');
  const reach = ({ output, stride, kernel, before, input: size }: typeof rows, dilation: number): number =>
    Math.max(0, (output - 1) * stride + (kernel - 1) * dilation + 1 - before - size);
  const shape = {
    height: rows.input, width: columns.input, channels: outChannels,
    top: rows.before, bottom: reach(rows, dilations[0]), left: columns.before, right: reach(columns, dilations[1]),
  };
  const [pixel, line] = [outChannels * 4, paddedWidth(shape) * outChannels * 4];
  withScratch(backend, (scratch) => {
    const load = wideLoader(native, scratch, address(backend, x), geometry, shape);
    for (let n = 0; n < batch; n++) {
      native.depthwise(
        rows.output, columns.output, outChannels, load(n), rows.stride * line, columns.stride * pixel, address(backend, filter),
        rows.kernel, columns.kernel, dilations[0] * line, dilations[1] * pixel, address(backend, y) + n * rows.output * columns.output * pixel,
      );
    }
  });
  return y;
}

function inputGradient(native: NativeFunctions, backend: BackendWasm, geometry: ConvGeometry, dy: TensorInfo, filter: TensorInfo): TensorInfo {
  const { batch, rows, columns, inChannels, outChannels } = geometry;
  const dx = zeros(backend, [batch, rows.input, columns.input, inChannels]);
  const pixels = rows.input * columns.input;
  const times = outChannels / inChannels;
  withScratch(backend, (scratch) => {
    const axes = scratch.table(axisTable([rows, columns]));
    const wide = times === 1 ? 0 : scratch.floats(pixels * outChannels);
    for (let n = 0; n < batch; n++) {
      const to = address(backend, dx) + n * pixels * inChannels * 4;
      const from = address(backend, dy) + n * rows.output * columns.output * outChannels * 4;
      if (times > 1) native.zero(wide, pixels * outChannels * 4);
      native.depthwiseInput(outChannels, axes, from, address(backend, filter), times === 1 ? to : wide);
      if (times > 1) native.narrow(pixels * inChannels, times, wide, to);
    }
  });
  return dx;
}

function filterGradient(
  native: NativeFunctions, backend: BackendWasm, geometry: ConvGeometry, x: TensorInfo, dy: TensorInfo, shape: number[],
): TensorInfo {
  const { batch, rows, columns, outChannels } = geometry;
  const dw = zeros(backend, shape);
  const unpadded = { height: rows.input, width: columns.input, channels: outChannels, top: 0, bottom: 0, left: 0, right: 0 };
  withScratch(backend, (scratch) => {
    const axes = scratch.table(axisTable([rows, columns]));
    const load = wideLoader(native, scratch, address(backend, x), geometry, unpadded);
    for (let n = 0; n < batch; n++)
      native.depthwiseFilter(outChannels, axes, load(n), address(backend, dy) + n * rows.output * columns.output * outChannels * 4, address(backend, dw));
  });
  return dw;
}

/** Gives the address of one padded image whose channels stand as often as they have filters; valid until the next call. */
function wideLoader(
  native: NativeFunctions, scratch: Scratch, from: number, { rows, columns, inChannels, outChannels }: ConvGeometry, shape: PaddedShape,
): (n: number) => number {
  const times = outChannels / inChannels;
  const values = rows.input * columns.input * inChannels;
  if (times === 1) {
    const load = loader(native, scratch, from, shape, 1);
    return (n) => load(n, 1);
  }
  const wide = scratch.floats(values * times);
  const load = loader(native, scratch, wide, shape, 1);
  return (n) => {
    native.widen(values, times, from + n * values * 4, wide);
    return load(0, 1);
  };
}
