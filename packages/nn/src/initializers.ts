import type { RandomStream } from '@robustjs/core';
import { mul, type Tensor, tensor, tidy, util } from '@tensorflow/tfjs-core';

/**
 * Normal weights with mean 0 and variance 2 / fan-in (He et al., ICCV 2015, equation 10), for layers that a ReLU follows.
 *
 * @param shape kernel shape; the last axis is the output channels and does not count as fan-in.
 */
export function heNormal(shape: readonly number[], random: RandomStream): Tensor {
  return tidy(() => mul(tensor(random.normal(util.sizeFromShape([...shape])), [...shape]), Math.sqrt(2 / fanIn(shape))));
}

/**
 * Uniform weights in ±1/sqrt(fan-in), what PyTorch gives a fully connected layer.
 *
 * @param shape kernel shape; the last axis is the output channels and does not count as fan-in.
 */
export function fanInUniform(shape: readonly number[], random: RandomStream): Tensor {
  const limit = 1 / Math.sqrt(fanIn(shape));
  const values = random.uniform(util.sizeFromShape([...shape])).map((u) => (2 * u - 1) * limit);
  return tensor(values, [...shape]);
}

const fanIn = (shape: readonly number[]): number => Math.max(1, util.sizeFromShape(shape.slice(0, -1)));
