import { add, mul, sub, type Tensor } from '@tensorflow/tfjs-core';
import { hasKernel, runKernel } from './fused.ts';

/** `(x - center) * gain + offset` over the last axis: normalization with fixed statistics. Kernel: `ChannelNorm`. */
export function channelNorm(x: Tensor, center: Tensor, gain: Tensor, offset: Tensor): Tensor {
  if (hasKernel('ChannelNorm')) return runKernel('ChannelNorm', { x, center, gain, offset })[0]!;
  return add(mul(x, gain), sub(offset, mul(center, gain)));
}
