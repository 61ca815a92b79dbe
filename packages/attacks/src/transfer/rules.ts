import { add, addN, clone, depthwiseConv2d, dispose, div, mul, reshape, sub, type Tensor, tensor4d, tidy, tile } from '@tensorflow/tfjs-core';
import { rowSize } from '../rows.ts';
import { type GradientRule, gradientThere, type MomentumStep } from './momentum.ts';
import { framesOf, imageAxes } from '../images.ts';
import { resizedAndPadded } from './resize.ts';

/** A rule made of another. */
type Wrapped = (rule: GradientRule) => GradientRule;

/**
 * NI: the gradient where the momentum leads, `x + alpha * decay * m` (Lin et al., ICLR 2020, equation 6). The authors' code scales
 * gradients by their mean magnitude where the paper has the L1 length; only with the former do steps look ahead
 * noticeably, so that is followed: m is the L1-scaled momentum times the number of values.
 */
export const lookingAhead: Wrapped = (rule) => (inputs, step) => {
  if (step.decay === 0) return rule(inputs, step);
  const ahead = tidy(() => add(inputs, mul(step.momentum, step.alpha * step.decay * rowSize(inputs))));
  const gradient = rule(ahead, { ...step, probe: true });
  dispose(ahead);
  return gradient;
};

/**
 * SI: the mean gradient over the copies `x / 2^i` (Lin et al., ICLR 2020, equation 7), with respect to x: the copies'
 * gradients weigh 1 / 2^i, as automatic differentiation of the equation gives them.
 */
export const scaled = (copies: number): Wrapped => (rule) => (inputs, step) => {
  if (copies === 1) return rule(inputs, step);
  return meanOf(copies, (i) => {
    const copy = i === 0 ? clone(inputs) : mul(inputs, 2 ** -i);
    const gradient = rule(copy, { ...step, random: step.random.split('copy', i), probe: step.probe || i > 0 });
    const whole = mul(gradient, 2 ** -i);
    dispose([copy, gradient]);
    return whole;
  });
};

/**
 * DI: the gradient through a random shrinking and padding, with this probability a row (Xie et al., CVPR 2019, equation 4).
 * Sizes are drawn from `[share * S, S)` and padded back to S, so that the model's input keeps its shape.
 */
export const diversified = (probability: number, share: number): Wrapped => (rule) => (inputs, step) => {
  if (probability === 0) return rule(inputs, step);
  const { search, random } = step;
  const transform = resizedAndPadded(inputs, search.ids, random.split('diversity'), { probability, share, bounds: search.bounds });
  const resized = transform.forward(inputs);
  const there = rule(resized, { ...step, probe: true });
  const gradient = transform.backward(there);
  dispose([resized, there]);
  transform.dispose();
  return gradient;
};

/** TI: the gradient smoothed by a Gaussian kernel of this size, frame by frame (Dong et al., CVPR 2019, equation 7). */
export const smoothed = (size: number): Wrapped => (rule) => (inputs, step) => {
  const gradient = rule(inputs, step);
  if (size === 1) return gradient;
  const result = tidy(() => {
    const { channels } = imageAxes(gradient);
    const kernel = tile(tensor4d(gaussianKernel(size), [size, size, 1, 1]), [1, 1, channels, 1]);
    return reshape(depthwiseConv2d(framesOf(gradient), kernel, 1, 'same'), gradient.shape);
  });
  dispose(gradient);
  return result;
};

/**
 * VMI: the mean gradient over neighbours uniform in a cube of `reach` times the step's whole budget, minus the gradient
 * itself; it corrects the next step (Wang and He, CVPR 2021, equations 5 to 7).
 */
export const varianceOf = (neighbours: number, reach: number, rule: GradientRule = gradientThere) =>
  (inputs: Tensor, gradient: Tensor, step: MomentumStep): Tensor => {
    const { ids, threat } = step.search;
    const mean = meanOf(neighbours, (i) => {
      const random = step.random.split('neighbour', i);
      const neighbour = tidy(() => add(inputs, mul(sub(random.uniformRows(ids, inputs.shape.slice(1)), 0.5), 2 * reach * threat.eps)));
      const there = rule(neighbour, { ...step, random, probe: true });
      neighbour.dispose();
      return there;
    });
    const variance = sub(mean, gradient);
    mean.dispose();
    return variance;
  };

function meanOf(count: number, part: (index: number) => Tensor): Tensor {
  let total = part(0);
  for (let i = 1; i < count; i++) {
    const next = part(i);
    const sum = addN([total, next]);
    dispose([total, next]);
    total = sum;
  }
  const mean = div(total, count);
  total.dispose();
  return mean;
}

/** The normal density on `size` points from -3 to 3, times itself across, adding up to 1. */
export function gaussianKernel(size: number): Float32Array {
  const density = Float64Array.from({ length: size }, (_, i) => Math.exp(-((-3 + (6 * i) / (size - 1)) ** 2) / 2));
  const total = density.reduce((sum, value) => sum + value, 0);
  return Float32Array.from({ length: size * size }, (_, i) => (density[Math.floor(i / size)]! * density[i % size]!) / total ** 2);
}
