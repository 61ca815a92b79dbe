import { backend_util, type NamedAttrMap, type TensorInfo } from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { filterGradient } from './conv2d-backprop-filter.ts';
import { inputGradient } from './conv2d-backprop-input.ts';
import { type ConvAxis, type ConvGeometry, forwardAttrs } from './conv-geometry.ts';
import { type AddedKernel, input, type KernelArgs, view, zeros } from './heap.ts';
import { runNanPassing } from './nan-passing.ts';

/*
 * A 3-D convolution is a 2-D one whose channels are the depth slices under the filter: with x' [n * o_d, h, w, k_d * c] and
 * w' [k_h, k_w, k_d * c, f], y = conv2d(x', w'). Both gradients follow by folding back. TF.js's own input gradient is
 * wrong on wasm, and all three of its kernels are plain loops.
 */

export const conv3d: AddedKernel = {
  kernelName: 'Conv3D',
  run: (args) => {
    const { backend } = args;
    const [x, filter] = [input(args, 'x'), input(args, 'filter')];
    const geometry = conv3dGeometry(x.shape, filter.shape, args.attrs);
    const [wide, flat] = [unfoldDepth(backend, geometry, x), channelsFromDepth(backend, geometry, filter)];
    const y = forward(backend, geometry, wide, flat);
    release(backend, wide, flat);
    return { ...y, shape: [geometry.batch, geometry.depth.output, geometry.plane.rows.output, geometry.plane.columns.output, geometry.plane.outChannels] };
  },
};

export const conv3dBackpropInput: AddedKernel = {
  kernelName: 'Conv3DBackpropInputV2',
  run: (args) => {
    const { backend } = args;
    const [dy, filter] = [input(args, 'dy'), input(args, 'filter')];
    const geometry = conv3dGeometry(args.attrs['inputShape'] as number[], filter.shape, args.attrs);
    const flat = channelsFromDepth(backend, geometry, filter);
    const wide = inputGradient(backend, geometry.plane, planes(dy), flat);
    const dx = foldDepth(backend, geometry, wide, args.attrs['inputShape'] as number[]);
    release(backend, flat, wide);
    return dx;
  },
};

export const conv3dBackpropFilter: AddedKernel = {
  kernelName: 'Conv3DBackpropFilterV2',
  run: (args: KernelArgs) => {
    const { backend } = args;
    const [x, shape] = [input(args, 'x'), args.attrs['filterShape'] as number[]];
    const geometry = conv3dGeometry(x.shape, shape, args.attrs);
    const wide = unfoldDepth(backend, geometry, x);
    const flat = filterGradient(backend, geometry.plane, wide, planes(input(args, 'dy')));
    const dw = depthFromChannels(backend, geometry, flat, shape);
    release(backend, wide, flat);
    return dw;
  },
};

type Triple = [number, number, number];

interface Conv3dGeometry {
  readonly batch: number;
  readonly channels: number;
  readonly depth: ConvAxis;
  /** Depth, rows, columns; above 1 in the forward pass only, as TF.js has no gradient for it. */
  readonly dilations: readonly [number, number, number];
  /** The 2-D convolution over the unfolded planes. */
  readonly plane: ConvGeometry;
}

function conv3dGeometry(inputShape: number[], filterShape: number[], attrs: NamedAttrMap): Conv3dGeometry {
  type Sizes = [number, number, number, number, number];
  const { strides, pad, dilations = 1 } = attrs as unknown as { strides: Triple; pad: 'same' | 'valid'; dilations?: Triple };
  const info = backend_util.computeConv3DInfo(inputShape as Sizes, filterShape as Sizes, strides, dilations, pad);
  const axis = (sizes: [number, number, number, number], before: number): ConvAxis => {
    const [size, output, kernel, stride] = sizes;
    return { input: size, output, kernel, stride, before };
  };
  const depth = axis([info.inDepth, info.outDepth, info.filterDepth, info.strideDepth], info.padInfo.front);
  return {
    batch: info.batchSize,
    channels: info.inChannels,
    depth,
    dilations: [info.dilationDepth, info.dilationHeight, info.dilationWidth],
    plane: {
      batch: info.batchSize * depth.output,
      inChannels: depth.kernel * info.inChannels,
      outChannels: info.outChannels,
      rows: axis([info.inHeight, info.outHeight, info.filterHeight, info.strideHeight], info.padInfo.top),
      columns: axis([info.inWidth, info.outWidth, info.filterWidth, info.strideWidth], info.padInfo.left),
    },
  };
}

function forward(backend: BackendWasm, { plane, dilations }: Conv3dGeometry, x: TensorInfo, filter: TensorInfo): TensorInfo {
  const [, down, across] = dilations;
  const pad = ({ input: size, output, kernel, stride, before }: ConvAxis, dilation: number): [number, number] =>
    [before, Math.max(0, (output - 1) * stride + (kernel - 1) * dilation + 1 - size - before)];
  const strides: [number, number] = [plane.rows.stride, plane.columns.stride];
  const attrs = forwardAttrs(strides, [down, across], pad(plane.rows, down), pad(plane.columns, across));
  return runNanPassing(backend, 'Conv2D', { x, filter }, attrs);
}

/** [n, d, ...] as [n * d, ...]. */
function planes(x: TensorInfo): TensorInfo {
  const [batch, depth, ...rest] = x.shape as [number, number, ...number[]];
  return { ...x, shape: [batch * depth, ...rest] };
}

function release(backend: BackendWasm, ...used: TensorInfo[]): void {
  for (const tensor of used) backend.disposeData(tensor.dataId);
}

/** Calls `visit` with the start of every pair of an input plane and the place among the unfolded channels that it fills. */
function eachDepthPair({ batch, channels, depth, dilations, plane }: Conv3dGeometry, visit: (folded: number, unfolded: number) => void): void {
  const pixels = plane.rows.input * plane.columns.input;
  for (let n = 0; n < batch; n++)
    for (let o = 0; o < depth.output; o++)
      for (let k = 0; k < depth.kernel; k++) {
        const d = o * depth.stride + k * dilations[0] - depth.before;
        if (d < 0 || d >= depth.input) continue;
        visit((n * depth.input + d) * pixels * channels, (n * depth.output + o) * pixels * plane.inChannels + k * channels);
      }
}

function unfoldDepth(backend: BackendWasm, geometry: Conv3dGeometry, x: TensorInfo): TensorInfo {
  const { batch, rows, columns, inChannels } = geometry.plane;
  const out = zeros(backend, [batch, rows.input, columns.input, inChannels]);
  const [from, to, channels, pixels] = [view(backend, x), view(backend, out), geometry.channels, rows.input * columns.input];
  eachDepthPair(geometry, (folded, unfolded) => {
    for (let p = 0, source = folded; p < pixels; p++) {
      const target = unfolded + p * inChannels;
      for (let c = 0; c < channels; c++) to[target + c] = from[source++]!;
    }
  });
  return out;
}

function foldDepth(backend: BackendWasm, geometry: Conv3dGeometry, wide: TensorInfo, shape: number[]): TensorInfo {
  const out = zeros(backend, shape);
  const { rows, columns, inChannels } = geometry.plane;
  const [from, to, channels, pixels] = [view(backend, wide), view(backend, out), geometry.channels, rows.input * columns.input];
  eachDepthPair(geometry, (folded, unfolded) => {
    for (let p = 0, target = folded; p < pixels; p++) {
      const source = unfolded + p * inChannels;
      for (let c = 0; c < channels; c++) to[target++]! += from[source + c]!;
    }
  });
  return out;
}

/** [k_d, k_h, k_w, c, f] to [k_h, k_w, k_d * c, f]. */
function channelsFromDepth(backend: BackendWasm, { depth, plane }: Conv3dGeometry, filter: TensorInfo): TensorInfo {
  const [taps, row] = [plane.rows.kernel * plane.columns.kernel, plane.inChannels / depth.kernel * plane.outChannels];
  const out = backend.makeOutput([plane.rows.kernel, plane.columns.kernel, plane.inChannels, plane.outChannels], 'float32');
  swapLeading(view(backend, filter), view(backend, out), [depth.kernel, taps, row]);
  return out;
}

/** [k_h, k_w, k_d * c, f] to [k_d, k_h, k_w, c, f]. */
function depthFromChannels(backend: BackendWasm, { depth, plane }: Conv3dGeometry, flat: TensorInfo, shape: number[]): TensorInfo {
  const [taps, row] = [plane.rows.kernel * plane.columns.kernel, plane.inChannels / depth.kernel * plane.outChannels];
  const out = backend.makeOutput(shape, 'float32');
  swapLeading(view(backend, flat), view(backend, out), [taps, depth.kernel, row]);
  return out;
}

/** [a, b, row] to [b, a, row]. */
function swapLeading(from: Float32Array, to: Float32Array, [a, b, row]: [number, number, number]): void {
  for (let i = 0; i < a; i++)
    for (let j = 0; j < b; j++) to.set(from.subarray((i * b + j) * row, (i * b + j + 1) * row), (j * a + i) * row);
}
