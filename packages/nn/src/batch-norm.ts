import type { Layer, NamedVariable, Pass, Site } from '@robustjs/core';
import { clone, keep, mul, ones, type Tensor, zeros } from '@tensorflow/tfjs-core';
import { computedTogether, type Following } from './following.ts';
import { normalizeRows } from './ops/batch-norm-rows.ts';
import { normalizeFixed } from './ops/fixed-norm.ts';
import { namedVariable } from './variables.ts';

// PyTorch's defaults, which the papers assume; TF.js's (momentum 0.99, epsilon 1e-3) give other networks.
const DECAY = 0.9;
const EPSILON = 1e-5;

/**
 * Batch normalization over all axes but the last, `[N, ..., C]` (Ioffe and Szegedy, ICML 2015, algorithm 1). In training
 * it uses the batch's statistics and records them in `pass.updates`; the running variance is the unbiased estimate, as
 * in PyTorch. Variables: `scale` and `offset` (trained), `mean` and `variance` (running), each `[C]`.
 * Not `tf.batchNorm`, whose gradient is broken without scale and offset.
 */
export function batchNorm(site: Site): Layer {
  const channels = [site.channels];
  const scale = namedVariable(`${site.path}/scale`, ones(channels));
  const offset = namedVariable(`${site.path}/offset`, zeros(channels));
  const runningMean = namedVariable(`${site.path}/mean`, zeros(channels), false);
  const runningVariance = namedVariable(`${site.path}/variance`, ones(channels), false);

  const layer: Layer = {
    parameters: [scale, offset],
    buffers: [runningMean, runningVariance],
    apply: (input, pass) => apply(input, pass, { relu: false }),
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
  const apply = (input: Tensor, pass: Pass, next: Following): Tensor => normalizeParts([{ layer, count: input.shape[0] }], input, pass, next)!;
  stateOf.set(layer, { scale, offset, mean: runningMean, variance: runningVariance });
  return computedTogether(layer, apply);
}

type State = Readonly<Record<'scale' | 'offset' | 'mean' | 'variance', NamedVariable>>;

const stateOf = new WeakMap<Layer, State>();

/**
 * A pass over neighbouring parts of a batch, each through its own batch norm and with its own statistics, and what follows, at the
 * cost of one. Undefined where a layer is no plain batch norm.
 */
export function normalizeParts(
  parts: readonly { readonly layer: Layer; readonly count: number }[], input: Tensor, pass: Pass, next: Following,
): Tensor | undefined {
  const states = parts.map(({ layer }) => stateOf.get(layer)).filter((state) => state !== undefined);
  if (states.length < parts.length) return undefined;
  const segments = states.map(({ scale, offset, mean, variance }, i) => ({
    count: parts[i]!.count, scale: scale.variable, offset: offset.variable, mean: mean.variable, variance: variance.variable,
  }));
  if (!pass.train) return normalizeFixed(input, segments, EPSILON, next);
  const { output, statistics } = normalizeRows(input, segments, EPSILON, next);
  const pixels = input.shape.slice(1, -1).reduce((product, length) => product * length, 1);
  statistics.forEach(({ mean, variance }, i) => recordStatistics(states[i]!, parts[i]!.count * pixels, mean, variance, pass));
  return output;
}

/** The running variance moves by the unbiased estimate; where there are no rows, nothing moves. */
function recordStatistics(state: State, count: number, mean: Tensor, variance: Tensor, { updates }: Pass): void {
  if (count === 0) return;
  // One value has no unbiased variance; its biased one, 0, is recorded as it is.
  const correction = count > 1 ? count / (count - 1) : 1;
  updates?.push(
    { buffer: state.mean.variable, value: keep(clone(mean)), decay: DECAY },
    { buffer: state.variance.variable, value: keep(mul(variance, correction)), decay: DECAY },
  );
}
