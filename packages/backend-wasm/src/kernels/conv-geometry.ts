import { backend_util, type NamedAttrMap } from '@tensorflow/tfjs-core';
import { remembered } from './remembered.ts';
import { assertChannelsLast, assertDilations } from './refuse.ts';

/** One spatial axis of a convolution: y[o] = sum over k of x[stride * o + k - before] w[k]. */
export interface ConvAxis {
  readonly input: number;
  readonly output: number;
  readonly kernel: number;
  readonly stride: number;
  readonly before: number;
}

/** A 2-D convolution over NHWC data with an HWIO filter. */
export interface ConvGeometry {
  readonly batch: number;
  /** The same for the same convolution, of whatever batch. */
  readonly key: string;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly rows: ConvAxis;
  readonly columns: ConvAxis;
}

type ConvInfo = ReturnType<typeof backend_util.computeConv2DInfo>;

/** Reads TF.js's convolution attributes; there are no gradients of dilated convolutions, so dilations are the caller's: others are refused. */
export function convGeometry(
  inputShape: number[], filterShape: number[], attrs: NamedAttrMap, depthwise: boolean, dilations: [number, number] = [1, 1],
): ConvGeometry {
  assertChannelsLast(attrs);
  assertDilations(attrs, dilations);
  const [batch = 0, ...image] = inputShape;
  const { strides, pad, dimRoundingMode } = attrs as Readonly<Record<string, unknown>>;
  const key = JSON.stringify([image, filterShape, strides, pad, dimRoundingMode, depthwise, dilations]);
  return { ...ofOne(key, image, filterShape, attrs, depthwise, dilations), batch };
}

/** Attacks run the same few convolutions thousands of times. */
const ofOne = remembered(
  (key: string, image: number[], filterShape: number[], attrs: NamedAttrMap, depthwise: boolean, dilations: [number, number]): ConvGeometry => {
    const info = backend_util.computeConv2DInfo(
      [1, ...image] as [number, number, number, number],
      filterShape as [number, number, number, number],
      attrs['strides'] as [number, number],
      dilations,
      attrs['pad'] as Parameters<typeof backend_util.computeConv2DInfo>[4],
      attrs['dimRoundingMode'] as 'floor',
      depthwise,
    );
    return { batch: 1, key, inChannels: info.inChannels, outChannels: info.outChannels, ...axes(info) };
  },
  (key) => key,
);

function axes(info: ConvInfo): { rows: ConvAxis; columns: ConvAxis } {
  return {
    rows: { input: info.inHeight, output: info.outHeight, kernel: info.filterHeight, stride: info.strideHeight, before: info.padInfo.top },
    columns: { input: info.inWidth, output: info.outWidth, kernel: info.filterWidth, stride: info.strideWidth, before: info.padInfo.left },
  };
}

/** Attributes of a forward convolution with explicit padding, as the backend's own kernels take them. */
export function forwardAttrs(
  strides: [number, number],
  dilations: [number, number],
  rowPad: readonly [number, number],
  columnPad: readonly [number, number],
): NamedAttrMap {
  const pad = [[0, 0], [...rowPad], [...columnPad], [0, 0]];
  return { strides, dilations, pad, dataFormat: 'NHWC', dimRoundingMode: 'floor' };
}
