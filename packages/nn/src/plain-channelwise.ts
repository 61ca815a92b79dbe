import type { PlainLayer } from '@robustjs/core';
import { add, dispose, eye, mul, ones, reshape, rsqrt, sub, type Tensor, tidy, zeros } from '@tensorflow/tfjs-core';
import { plainConv } from './conv.ts';

/**
 * Batch norm on its running statistics as a 3-D convolution of size 1, with the gains on the diagonal of its kernel; takes
 * over the weights.
 */
export function channelwiseConv({ config, weights }: PlainLayer): PlainLayer {
  const named = new Map(weights.map(({ name, value }) => [name, value]));
  const center = named.get('moving_mean')!;
  const channels = center.size;
  const [kernel, bias] = tidy((): [Tensor, Tensor] => {
    const gamma = named.get('gamma') ?? ones([channels]);
    const beta = named.get('beta') ?? zeros([channels]);
    const gain = mul(gamma, rsqrt(add(named.get('moving_variance')!, Number(config.epsilon))));
    return [reshape(mul(eye(channels), gain), [1, 1, 1, channels, channels]), sub(beta, mul(center, gain))];
  });
  dispose([...named.values()]);
  return plainConv({ inputChannels: channels, kernel: [1, 1, 1] }, kernel, bias);
}
