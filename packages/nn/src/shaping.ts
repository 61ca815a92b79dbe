import type { Join, Layer, PlainLayer, PoolOptions } from '@robustjs/core';
import {
  add, avgPool, avgPool3d, concat, expandDims, maxPool, maxPool3d, mean, relu, reshape, squeeze, type Tensor, type Tensor4D, type Tensor5D, util,
} from '@tensorflow/tfjs-core';

const plainLayer = (className: string, config: Record<string, unknown> = {}): PlainLayer => ({ className, config, weights: [] });
const stateless = { parameters: [], buffers: [] };

/** Rectified linear unit, any shape. */
export const reluLayer: Layer = {
  ...stateless,
  apply: (input) => relu(input),
  plain: () => [plainLayer('Activation', { activation: 'relu' })],
};

/** All axes but the first into one: `[N, ...shape]` to `[N, D]`. */
export const flattenLayer: Layer = {
  ...stateless,
  apply: (input) => reshape(input, [input.shape[0], util.sizeFromShape(input.shape.slice(1))]),
  plain: () => [plainLayer('Flatten')],
};

/** The sum of shortcut and block, which have the same shape. */
export const addJoin: Join = {
  ...stateless,
  apply: (shortcut, block) => add(shortcut, block),
  plain: () => ({ shortcut: [], block: [] }),
};

/** Shortcut and block side by side along the channel axis; the other axes agree. */
export const concatJoin: Join = {
  ...stateless,
  apply: (shortcut, block) => concat([shortcut, block], -1),
  plain: () => ({ shortcut: [], block: [] }),
};

/**
 * Max, average or global average pooling over 1, 2 or 3 spatial axes of `[N, ...size, C]`. Windows that do not fit at the
 * far end are left out.
 */
export function pool(options: PoolOptions): Layer {
  const axes = options.window.length;
  if (options.kind === 'global-average') {
    return {
      ...stateless,
      apply: (input) => mean(input, options.window.map((_, axis) => axis + 1)),
      // tf.layers has no global pooling over three axes.
      ...(axes < 3 && { plain: () => [plainLayer(`GlobalAveragePooling${axes}D`)] }),
    };
  }
  const stride = options.stride ?? options.window[0]!;
  const className = `${options.kind === 'max' ? 'Max' : 'Average'}Pooling${axes}D`;
  return {
    ...stateless,
    apply: (input) => windowed(input, options, stride),
    plain: () => [
      plainLayer(className, { pool_size: options.window, strides: Array<number>(axes).fill(stride), padding: 'valid', data_format: 'channels_last' }),
    ],
  };
}

function windowed(input: Tensor, { kind, window }: PoolOptions, stride: number): Tensor {
  const [first = 1, second = 1, third = 1] = window;
  if (window.length === 3) {
    const pool3d = kind === 'max' ? maxPool3d : avgPool3d;
    return pool3d(input as Tensor5D, [first, second, third], stride, 'valid');
  }
  const pool2d = kind === 'max' ? maxPool : avgPool;
  if (window.length === 2) return pool2d(input as Tensor4D, [first, second], stride, 'valid');
  return squeeze(pool2d(expandDims<Tensor4D>(input, 2), [first, 1], [stride, 1], 'valid'), [2]);
}
