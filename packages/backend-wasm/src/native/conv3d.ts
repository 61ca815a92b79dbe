import { backend_util, type NamedAttrMap, type TensorInfo } from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { type ConvAxis, type ConvGeometry, forwardAttrs } from '../kernels/conv-geometry.ts';
import { type AddedKernel, input, view } from '../kernels/heap.ts';
import { runNanPassing } from '../kernels/nan-passing.ts';
import { assertChannelsLast, assertDilations } from '../kernels/refuse.ts';
import { forward } from './conv2d.ts';
import { filterGradient } from './conv2d-filter-gradient.ts';
import { inputGradient } from './conv2d-input-gradient.ts';
import { keptTensor } from './kept-weights.ts';
import type { NativeFunctions } from './module.ts';
import { address } from './scratch.ts';

/*
 * A 3-D convolution is a 2-D one whose channels are the depth slices under the filter: with x' [n * o_d, h, w, k_d * c] and
 * w' [k_h, k_w, k_d * c, f], y = conv2d(x', w'). Both gradients follow by folding back.
 */

export const conv3dKernels = (native: NativeFunctions): AddedKernel[] => [
  {
    kernelName: 'Conv3D',
    floats: true,
    run: ({ backend, inputs, attrs }) => {
      const [x, filter] = [inputs['x'] as TensorInfo, inputs['filter'] as TensorInfo];
      const geometry = conv3dGeometry(x.shape, filter.shape, attrs);
      const wide = unfold(native, backend, geometry, x);
      const y = planeForward(native, backend, geometry, wide, flatFilter(backend, geometry, filter));
      backend.disposeData(wide.dataId);
      return { ...y, shape: geometry.shape };
    },
  },
  {
    kernelName: 'Conv3DBackpropInputV2',
    floats: true,
    run: (args) => {
      const { backend, attrs } = args;
      assertDilations(attrs, [1, 1, 1]);
      const [dy, filter] = [input(args, 'dy'), input(args, 'filter')];
      const geometry = conv3dGeometry(attrs['inputShape'] as number[], filter.shape, attrs);
      const wide = inputGradient(native, backend, geometry.plane, dy, flatFilter(backend, geometry, filter));
      const dx = fold(native, backend, geometry, wide, attrs['inputShape'] as number[]);
      backend.disposeData(wide.dataId);
      return dx;
    },
  },
  {
    kernelName: 'Conv3DBackpropFilterV2',
    floats: true,
    run: (args) => {
      const { backend, attrs } = args;
      assertDilations(attrs, [1, 1, 1]);
      const [x, shape] = [input(args, 'x'), attrs['filterShape'] as number[]];
      const geometry = conv3dGeometry(x.shape, shape, attrs);
      const wide = unfold(native, backend, geometry, x);
      const flat = filterGradient(native, backend, geometry.plane, wide, input(args, 'dy'));
      const dw = swapped(backend, flat, [geometry.taps, geometry.depth.kernel, geometry.row], shape);
      backend.disposeData(wide.dataId);
      backend.disposeData(flat.dataId);
      return dw;
    },
  },
];

type Triple = [number, number, number];

interface Conv3dGeometry {
  readonly batch: number;
  readonly channels: number;
  readonly depth: ConvAxis;
  /** Depth, rows, columns; above 1 in the forward pass only, as TF.js has no gradient for it. */
  readonly dilations: Readonly<Triple>;
  /** The 2-D convolution over the unfolded planes. */
  readonly plane: ConvGeometry;
  /** Filter elements of a plane, and values of one of them in one slice. */
  readonly taps: number;
  readonly row: number;
  /** Shape of the result. */
  readonly shape: number[];
}

function conv3dGeometry(inputShape: number[], filterShape: number[], attrs: NamedAttrMap): Conv3dGeometry {
  assertChannelsLast(attrs);
  type Sizes = [number, number, number, number, number];
  const { strides, pad, dilations = 1 } = attrs as unknown as { strides: Triple; pad: 'same' | 'valid'; dilations?: Triple };
  const info = backend_util.computeConv3DInfo(inputShape as Sizes, filterShape as Sizes, strides, dilations, pad);
  const depth = { input: info.inDepth, output: info.outDepth, kernel: info.filterDepth, stride: info.strideDepth, before: info.padInfo.front };
  const plane = {
    inChannels: depth.kernel * info.inChannels,
    outChannels: info.outChannels,
    rows: { input: info.inHeight, output: info.outHeight, kernel: info.filterHeight, stride: info.strideHeight, before: info.padInfo.top },
    columns: { input: info.inWidth, output: info.outWidth, kernel: info.filterWidth, stride: info.strideWidth, before: info.padInfo.left },
  };
  return {
    batch: info.batchSize,
    channels: info.inChannels,
    depth,
    dilations: [info.dilationDepth, info.dilationHeight, info.dilationWidth],
    plane: { ...plane, batch: info.batchSize * depth.output, key: JSON.stringify(plane) },
    taps: info.filterHeight * info.filterWidth,
    row: info.inChannels * info.outChannels,
    shape: info.outShape,
  };
}

function planeForward(native: NativeFunctions, backend: BackendWasm, { plane, dilations }: Conv3dGeometry, x: TensorInfo, filter: TensorInfo): TensorInfo {
  const [, down, across] = dilations;
  if (down === 1 && across === 1) return forward(native, backend, plane, x, filter);
  const pad = ({ input: size, output, kernel, stride, before }: ConvAxis, dilation: number): [number, number] =>
    [before, Math.max(0, (output - 1) * stride + (kernel - 1) * dilation + 1 - size - before)];
  const strides: [number, number] = [plane.rows.stride, plane.columns.stride];
  return runNanPassing(backend, 'Conv2D', { x, filter }, forwardAttrs(strides, [down, across], pad(plane.rows, down), pad(plane.columns, across)));
}

function unfold(native: NativeFunctions, backend: BackendWasm, geometry: Conv3dGeometry, x: TensorInfo): TensorInfo {
  const { batch, channels, depth, dilations, plane } = geometry;
  const pixels = plane.rows.input * plane.columns.input;
  const wide = backend.makeOutput([plane.batch, plane.rows.input, plane.columns.input, plane.inChannels], 'float32');
  const [from, to] = [address(backend, x), address(backend, wide)];
  const [image, unfolded] = [depth.input * pixels * channels * 4, depth.output * pixels * plane.inChannels * 4];
  for (let n = 0; n < batch; n++)
    native.unfoldDepth(
      depth.output, depth.kernel, depth.stride, dilations[0], depth.before, depth.input, pixels, channels, from + n * image, to + n * unfolded,
    );
  return wide;
}

function fold(native: NativeFunctions, backend: BackendWasm, { batch, channels, depth, plane }: Conv3dGeometry, wide: TensorInfo, shape: number[]): TensorInfo {
  const pixels = plane.rows.input * plane.columns.input;
  const dx = backend.makeOutput(shape, 'float32');
  const [from, to] = [address(backend, wide), address(backend, dx)];
  const [image, unfolded] = [depth.input * pixels * channels * 4, depth.output * pixels * plane.inChannels * 4];
  for (let n = 0; n < batch; n++)
    native.foldDepth(depth.output, depth.kernel, depth.stride, depth.before, depth.input, pixels, channels, from + n * unfolded, to + n * image);
  return dx;
}

/** [k_d, k_h, k_w, c, f] as [k_h, k_w, k_d * c, f]. */
function flatFilter(backend: BackendWasm, { depth, plane, taps, row }: Conv3dGeometry, filter: TensorInfo): TensorInfo {
  const shape = [plane.rows.kernel, plane.columns.kernel, plane.inChannels, plane.outChannels];
  return keptTensor(filter, `slices ${depth.kernel} ${taps} ${row}`, () => swapped(backend, filter, [depth.kernel, taps, row], shape));
}

/** [a, b, row] to [b, a, row], in that shape. */
function swapped(backend: BackendWasm, x: TensorInfo, [a, b, row]: Triple, shape: number[]): TensorInfo {
  const out = backend.makeOutput(shape, 'float32');
  const [from, to] = [view(backend, x), view(backend, out)];
  for (let i = 0; i < a; i++)
    for (let j = 0; j < b; j++) to.set(from.subarray((i * b + j) * row, (i * b + j + 1) * row), (j * a + i) * row);
  return out;
}
