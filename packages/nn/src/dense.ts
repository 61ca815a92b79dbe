import type { DenseOptions, Layer, RandomStream, Site } from '@robustjs/core';
import { add, clone, matMul, type Tensor2D, zeros } from '@tensorflow/tfjs-core';
import { fanInUniform } from './initializers.ts';
import { namedVariable } from './variables.ts';

/**
 * A fully connected layer, `[N, inputChannels]` to `[N, channels]`, with variables `kernel` and, unless switched off, `bias`.
 *
 * @param random the kernel is drawn from its split by site path; the bias starts at zero.
 */
export function dense(site: Site, options: DenseOptions, random: RandomStream): Layer {
  const shape = [options.inputChannels, site.channels];
  const kernel = namedVariable(`${site.path}/kernel`, fanInUniform(shape, random.split(site.path, 'kernel')));
  const bias = options.bias === false ? undefined : namedVariable(`${site.path}/bias`, zeros([site.channels]));
  return {
    parameters: bias === undefined ? [kernel] : [kernel, bias],
    buffers: [],
    apply(input) {
      const output = matMul(input as Tensor2D, kernel.variable as unknown as Tensor2D);
      return bias === undefined ? output : add(output, bias.variable);
    },
    plain: () => [
      {
        className: 'Dense',
        config: { units: site.channels, use_bias: bias !== undefined, activation: 'linear' },
        weights: [
          { name: 'kernel', value: clone(kernel.variable) },
          ...(bias === undefined ? [] : [{ name: 'bias', value: clone(bias.variable) }]),
        ],
      },
    ],
  };
}
