import type { Layer, NamedVariable, Pass, Site } from '@robustjs/core';
import { add, clone, keep, mul, ones, rsqrt, type Tensor, zeros } from '@tensorflow/tfjs-core';
import { normalizeRows } from './ops/batch-norm-rows.ts';
import { channelNorm } from './ops/channel-norm.ts';
import { namedVariable } from './variables.ts';

// PyTorch's defaults, which the papers assume; TF.js's (momentum 0.99, epsilon 1e-3) give other networks.
const DECAY = 0.9;
const EPSILON = 1e-5;

/**
 * Batch normalization over all axes but the last, `[N, ..., C]` (Ioffe and Szegedy, ICML 2015, algorithm 1). In training
 * it uses the batch's statistics and records them in `pass.updates`; the running variance is the unbiased estimate, as
 * in PyTorch. Variables: `scale` and `offset` (trained), `mean` and `variance` (running), each `[C]`.
 * Built from ordinary operations: `tf.batchNorm` has a broken gradient without scale and offset.
 */
export function batchNorm(site: Site): Layer {
  const channels = [site.channels];
  const scale = namedVariable(`${site.path}/scale`, ones(channels));
  const offset = namedVariable(`${site.path}/offset`, zeros(channels));
  const runningMean = namedVariable(`${site.path}/mean`, zeros(channels), false);
  const runningVariance = namedVariable(`${site.path}/variance`, ones(channels), false);

  const normalize = (input: Tensor, center: Tensor, variance: Tensor): Tensor =>
    channelNorm(input, center, mul(scale.variable, rsqrt(add(variance, EPSILON))), offset.variable);
  const layer: Layer = {
    parameters: [scale, offset],
    buffers: [runningMean, runningVariance],
    apply: (input, pass) =>
      pass.train ? normalizeParts([{ layer, count: input.shape[0] }], input, pass)! : normalize(input, runningMean.variable, runningVariance.variable),
    plain: () => [
      {
        className: 'BatchNormalization',
        config: { axis: -1, momentum: DECAY, epsilon: EPSILON, center: true, scale: true },
        weights: [
          { name: 'gamma', value: clone(scale.variable) },
          { name: 'beta', value: clone(offset.variable) },
          { name: 'moving_mean', value: clone(runningMean.variable) },
          { name: 'moving_variance', value: clone(runningVariance.variable) },
        ],
      },
    ],
  };
  stateOf.set(layer, { scale, offset, mean: runningMean, variance: runningVariance });
  return layer;
}

type State = Readonly<Record<'scale' | 'offset' | 'mean' | 'variance', NamedVariable>>;

const stateOf = new WeakMap<Layer, State>();

/**
 * A training pass over neighbouring parts of a batch, each through its own batch norm and with its own statistics, at the cost of
 * one. Undefined where a layer is no plain batch norm. The running variance moves by the unbiased estimate.
 */
export function normalizeParts(parts: readonly { readonly layer: Layer; readonly count: number }[], input: Tensor, pass: Pass): Tensor | undefined {
  const states = parts.map(({ layer }) => stateOf.get(layer)).filter((state) => state !== undefined);
  if (states.length < parts.length) return undefined;
  const segments = states.map(({ scale, offset }, i) => ({ count: parts[i]!.count, scale: scale.variable, offset: offset.variable }));
  const { output, statistics } = normalizeRows(input, segments, EPSILON);
  const pixels = input.size / input.shape[0] / input.shape.at(-1)!;
  statistics.forEach(({ mean, variance }, i) => {
    const count = parts[i]!.count * pixels;
    // One value has no unbiased variance; its biased one, 0, is recorded as it is.
    const correction = count > 1 ? count / (count - 1) : 1;
    pass.updates?.push(
      { buffer: states[i]!.mean.variable, value: keep(clone(mean)), decay: DECAY },
      { buffer: states[i]!.variance.variable, value: keep(mul(variance, correction)), decay: DECAY },
    );
  });
  return output;
}
