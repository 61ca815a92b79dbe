import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { type ConvGeometry, convGeometry } from '../kernels/conv-geometry.ts';
import { type AddedKernel, input, view } from '../kernels/heap.ts';
import { isSmall } from './conv2d.ts';
import { type LoadImages, loader, paddedWidth } from './images.ts';
import type { NativeFunctions } from './module.ts';
import { address, type Scratch, withScratch } from './scratch.ts';
import { forwardShape, skipped } from './windows.ts';
import { isForWinograd } from './winograd.ts';
import { winogradFilter } from './winograd-filter.ts';

/**
 * Filter gradient of a 2-D convolution: for every filter row, the windows' stretches times dy, summed over all pixels (see
 * assembly/outer.ts), or for size 3 and stride 1 by transforms. Examples are added one after the other, whatever the size of the
 * batch.
 */
export const conv2dFilterGradient = (native: NativeFunctions): AddedKernel => ({
  kernelName: 'Conv2DBackpropFilter',
  floats: true,
  run: (args) => {
    const x = input(args, 'x');
    const geometry = convGeometry(x.shape, args.attrs['filterShape'] as number[], args.attrs, false);
    return filterGradient(native, args.backend, geometry, x, input(args, 'dy'));
  },
});

/** Gradient with respect to the filter [rows, columns, in channels, out channels], a new tensor. */
export function filterGradient(native: NativeFunctions, backend: BackendWasm, geometry: ConvGeometry, x: TensorInfo, dy: TensorInfo): TensorInfo {
  const { rows, columns, inChannels, outChannels } = geometry;
  const dw = backend.makeOutput([rows.kernel, columns.kernel, inChannels, outChannels], 'float32');
  const small = isSmall(geometry) && isForWinograd(inChannels, outChannels, rows.output, columns.output);
  if (!small || !winogradFilter(native, backend, geometry, address(backend, x), address(backend, dy), address(backend, dw))) direct(native, backend, geometry, { x, dy, dw });
  return dw;
}

/** Tensors of the gradient. */
interface Operands {
  readonly x: TensorInfo;
  readonly dy: TensorInfo;
  readonly dw: TensorInfo;
}

/** Example after example, tap by tap. */
function direct(native: NativeFunctions, backend: BackendWasm, geometry: ConvGeometry, { x, dy, dw }: Operands): void {
  const { rows, columns, inChannels, outChannels } = geometry;
  view(backend, dw).fill(0);
  const shape = enoughToCopy(forwardShape(geometry), columns.kernel * inChannels);
  const line = paddedWidth(shape) * inChannels * 4;
  const start = skipped(rows) * line + skipped(columns) * inChannels * 4;
  withScratch(backend, (scratch) => {
    const images = loader(native, scratch, address(backend, x), shape, 1);
    const gradients = panelLoader(native, scratch, address(backend, dy), geometry);
    const step = panelChannels(outChannels) * 4;
    for (let n = 0; n < geometry.batch; n++)
      native.outer(
        rows.output, columns.output,
        images(n, 1) + start, rows.stride * line, columns.stride * inChannels * 4,
        gradients(n, 1), columns.output * step, step,
        rows.kernel, columns.kernel * inChannels, line, outChannels, address(backend, dw),
      );
  });
}

/** Tiles read four values of a stretch, so shorter ones must be in scratch: behind a tensor the memory may end. */
function enoughToCopy(shape: ReturnType<typeof forwardShape>, length: number): ReturnType<typeof forwardShape> {
  return length >= 4 ? shape : { ...shape, bottom: shape.bottom + 1 };
}

const PANEL = 8;
const panelChannels = (channels: number): number => Math.ceil(channels / PANEL) * PANEL;

/** The output gradient with its channels filled up to whole panels. */
function panelLoader(native: NativeFunctions, scratch: Scratch, from: number, { rows, columns, outChannels }: ConvGeometry): LoadImages {
  const pixels = rows.output * columns.output;
  const wide = panelChannels(outChannels);
  const size = pixels * outChannels * 4;
  if (wide === outChannels) return (first) => from + first * size;
  const to = scratch.floats(pixels * wide);
  return (first, count) => {
    native.pad(count, from + first * size, rows.output, columns.output, outChannels, to, 0, 0, 0, 0, wide);
    return to;
  };
}
