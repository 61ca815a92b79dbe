// Scaled weight standardization (Brock et al., ICLR 2021) from outside: zero-mean filters of a length that keeps variance.
import type { ConvOptions, Layer, NamedVariable, Site } from '@robustjs/core';
import { convolve, namedVariable, plainConv } from '@robustjs/nn';
import { add, mean, mul, ones, rsqrt, square, sub, type Tensor, tidy } from '@tensorflow/tfjs-core';

const RELU_GAIN = Math.sqrt(2 / (1 - 1 / Math.PI));

export function standardizedConv(site: Site, options: ConvOptions, raw: Layer): Layer {
  const [weight] = raw.parameters as [NamedVariable];
  const gain = namedVariable(`${site.path}/gain`, ones([site.channels]));
  const standardized = (): Tensor => {
    const axes = weight.variable.shape.slice(0, -1).map((_, axis) => axis);
    const fanIn = weight.variable.size / site.channels;
    const centered = sub(weight.variable, mean(weight.variable, axes));
    return mul(centered, mul(mul(gain.variable, RELU_GAIN), rsqrt(add(mul(mean(square(centered), axes), fanIn), 1e-8))));
  };
  return {
    parameters: [weight, gain],
    buffers: [],
    apply: (input) => convolve(input, standardized(), options),
    plain: () => [plainConv(options, tidy(standardized))],
  };
}
