import { backend_util, type NamedAttrMap } from '@tensorflow/tfjs-core';
import type { ConvAxis } from './conv-geometry.ts';
import { assertChannelsLast } from './refuse.ts';

/** Pooling over [n, depth, rows, columns, channels]; 2-D data have depth 1. */
export interface PoolGeometry {
  readonly batch: number;
  readonly channels: number;
  readonly axes: readonly [ConvAxis, ConvAxis, ConvAxis];
  /** Shape of the result. */
  readonly shape: number[];
}

interface PoolAttrs {
  readonly filterSize: number;
  readonly strides: number;
  readonly pad: 'same' | 'valid';
  readonly dimRoundingMode: 'floor';
}

const FLAT: ConvAxis = { input: 1, output: 1, kernel: 1, stride: 1, before: 0 };

/** Reads TF.js's pooling attributes for an input of rank 4 or 5. */
export function poolGeometry(inputShape: number[], attrs: NamedAttrMap): PoolGeometry {
  assertChannelsLast(attrs);
  const { filterSize, strides, pad, dimRoundingMode } = attrs as unknown as PoolAttrs;
  const shape = inputShape as [number, number, number, number, number];
  if (inputShape.length === 4) {
    const info = backend_util.computePool2DInfo(inputShape as [number, number, number, number], filterSize, strides, 1, pad, dimRoundingMode);
    return { batch: info.batchSize, channels: info.inChannels, axes: [FLAT, ...plane(info)], shape: info.outShape };
  }
  const info = backend_util.computePool3DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode);
  const depth = { input: info.inDepth, output: info.outDepth, kernel: info.filterDepth, stride: info.strideDepth, before: info.padInfo.front };
  return { batch: info.batchSize, channels: info.inChannels, axes: [depth, ...plane(info)], shape: info.outShape };
}

type PlaneInfo = Pick<
  ReturnType<typeof backend_util.computePool3DInfo>,
  'inHeight' | 'inWidth' | 'outHeight' | 'outWidth' | 'filterHeight' | 'filterWidth' | 'strideHeight' | 'strideWidth'
> & { readonly padInfo: { readonly top: number; readonly left: number } };

function plane(info: PlaneInfo): [ConvAxis, ConvAxis] {
  return [
    { input: info.inHeight, output: info.outHeight, kernel: info.filterHeight, stride: info.strideHeight, before: info.padInfo.top },
    { input: info.inWidth, output: info.outWidth, kernel: info.filterWidth, stride: info.strideWidth, before: info.padInfo.left },
  ];
}
