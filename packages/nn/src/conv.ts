import type { ConvOptions, Layer, PlainLayer, RandomStream, Site } from '@robustjs/core';
import { add, clone, conv1d, conv2d, conv3d, type Tensor, type Tensor3D, type Tensor4D, type Tensor5D, zeros } from '@tensorflow/tfjs-core';
import { heNormal } from './initializers.ts';
import { namedVariable } from './variables.ts';

/**
 * A convolution as a function, so that a kit can compute the kernel before it is used.
 *
 * @param input `[N, ...size, in]` with 1, 2 or 3 spatial axes.
 * @param kernel `[...window, in, out]`; its rank says how many spatial axes there are.
 */
export function convolve(input: Tensor, kernel: Tensor, options: Pick<ConvOptions, 'stride' | 'padding'>): Tensor {
  const { stride = 1 } = options;
  const padding = paddingOf(kernel.shape.slice(0, -2), options.padding);
  switch (kernel.rank) {
    case 3:
      return conv1d(input as Tensor3D, kernel as Tensor3D, stride, padding);
    case 4:
      return conv2d(input as Tensor4D, kernel as Tensor4D, stride, padding);
    default:
      return conv3d(input as Tensor5D, kernel as Tensor5D, stride, padding);
  }
}

/**
 * A convolution over 1, 2 or 3 spatial axes, with variables `kernel` `[...window, in, out]` and, if asked for, `bias`.
 * Unfused on purpose: TF.js's fused convolution computes the filter gradient even where only the input's is asked for.
 *
 * @param random the kernel is drawn from its split by site path.
 */
export function conv(site: Site, options: ConvOptions, random: RandomStream): Layer {
  const shape = [...options.kernel, options.inputChannels, site.channels];
  const kernel = namedVariable(`${site.path}/kernel`, heNormal(shape, random.split(site.path, 'kernel')));
  const bias = options.bias ? namedVariable(`${site.path}/bias`, zeros([site.channels])) : undefined;
  return {
    parameters: bias === undefined ? [kernel] : [kernel, bias],
    buffers: [],
    apply(input) {
      const output = convolve(input, kernel.variable, options);
      return bias === undefined ? output : add(output, bias.variable);
    },
    plain: () => [plainConv(options, clone(kernel.variable), bias && clone(bias.variable))],
  };
}

/** The plain layer of a convolution with this kernel `[...window, in, out]` and bias `[out]`; takes over the tensors. */
export function plainConv(options: ConvOptions, kernel: Tensor, bias?: Tensor): PlainLayer {
  const axes = options.kernel.length;
  return {
    className: `Conv${axes}D`,
    config: {
      filters: kernel.shape.at(-1),
      kernel_size: options.kernel,
      strides: Array<number>(axes).fill(options.stride ?? 1),
      padding: paddingOf(options.kernel, options.padding),
      data_format: 'channels_last',
      use_bias: bias !== undefined,
      activation: 'linear',
    },
    weights: [{ name: 'kernel', value: kernel }, ...(bias === undefined ? [] : [{ name: 'bias', value: bias }])],
  };
}

// TF.js 4.22 shifts 3-D 'same' windows by an element on axes where they are smaller than their stride. Windows of 1 need
// no padding, so they, which residual shortcuts use, are kept right; mixed ones such as [3, 1, 1] are as TF.js does them.
const paddingOf = (window: readonly number[], padding: ConvOptions['padding'] = 'same'): 'same' | 'valid' =>
  window.every((size) => size === 1) ? 'valid' : padding;
