import { mean } from '@robustjs/core';
import { crossEntropy } from '@robustjs/nn';
import { add, cast, clipByValue, greater, maximum, mul, sqrt, square, sub, sum, type Tensor, type Tensor2D, tidy } from '@tensorflow/tfjs-core';
import { detached } from '../detached.ts';
import { checkNumber } from '../errors.ts';
import { classMask } from '../masks.ts';
import type { EmbeddingBatch, EmbeddingLoss } from '../types.ts';
import { classVectors, cosines } from './class-vectors.ts';

/** Options of {@link normalizedSoftmax}. */
export interface NormalizedSoftmaxOptions {
  /** Cosines are divided by it. Default 0.05. */
  readonly temperature?: number;
}

/**
 * Cross-entropy of cosines with one trained vector a class.
 *
 * Source: Zhai and Wu, BMVC 2019.
 *
 * @throws RobustError `RJS_METRIC_OPTION`.
 */
export function normalizedSoftmax(options: NormalizedSoftmaxOptions = {}): EmbeddingLoss {
  const temperature = checkNumber('temperature', options.temperature ?? 0.05, (options.temperature ?? 0.05) > 0, 'above zero');
  return classified('normalized-softmax', { temperature }, (cos) => mul(cos, 1 / temperature));
}

/** Options of {@link cosFace}. */
export interface CosFaceOptions {
  /** Taken off the cosine with the own class. Default 0.35. */
  readonly margin?: number;
  /** Factor on cosines. Default 64. */
  readonly scale?: number;
}

/**
 * CosFace: the cosine with the own class must lead by a margin.
 *
 * Source: Wang et al., CVPR 2018, equation 4.
 *
 * @throws RobustError `RJS_METRIC_OPTION`.
 */
export function cosFace(options: CosFaceOptions = {}): EmbeddingLoss {
  const margin = checkNumber('margin', options.margin ?? 0.35, (options.margin ?? 0.35) >= 0, 'zero or more');
  const scale = checkNumber('scale', options.scale ?? 64, (options.scale ?? 64) > 0, 'above zero');
  return classified('cosface', { margin, scale }, (cos, own) => mul(sub(cos, mul(own, margin)), scale));
}

/** Options of {@link arcFace}. */
export interface ArcFaceOptions {
  /** Added to the angle with the own class, in radians. Default 0.5. */
  readonly margin?: number;
  /** Factor on cosines. Default 16. */
  readonly scale?: number;
  /**
   * Where the angle and the margin exceed pi: `'tail'` goes on falling (PyTorch Metric Learning); `'clamp'` first lifts cosines to above
   * zero, as Roth et al. do; `'inert'` is MDProp's released code, whose margin reaches all classes alike and so has no effect.
   * Default `'tail'`.
   */
  readonly variant?: 'tail' | 'clamp' | 'inert';
}

/**
 * ArcFace: the angle with the own class must lead by a margin.
 *
 * Source: Deng, Guo, Xue, Zafeiriou, CVPR 2019, equation 3.
 *
 * @throws RobustError `RJS_METRIC_OPTION`.
 */
export function arcFace(options: ArcFaceOptions = {}): EmbeddingLoss {
  const { variant = 'tail' } = options;
  const margin = checkNumber('margin', options.margin ?? 0.5, (options.margin ?? 0.5) >= 0 && (options.margin ?? 0.5) < Math.PI, 'in [0, pi)');
  const scale = checkNumber('scale', options.scale ?? 16, (options.scale ?? 16) > 0, 'above zero');
  return classified('arcface', { margin, scale, variant }, (raw, own) => {
    const cos = variant === 'tail' ? raw : clipByValue(raw, 1e-10, 1 - 1e-6);
    const target = variant === 'tail' ? withTail(cos, margin) : widened(cos, margin);
    const change = mul(sub(target, cos), own);
    // The sum over classes is the change of the own one: it shifts a whole row.
    return mul(add(cos, variant === 'inert' ? sum(change, 1, true) : change), scale);
  });
}

/** cos(theta + m) of cos(theta); without acos, whose slope at 1 has no bound. */
const widened = (cos: Tensor, margin: number): Tensor =>
  sub(mul(cos, Math.cos(margin)), mul(sqrt(maximum(sub(1, square(cos)), 1e-12)), Math.sin(margin)));

/** The same up to theta = pi - m, beyond a line that goes on falling. */
function withTail(cos: Tensor, margin: number): Tensor {
  const inside = detached([cos], ([x]) => cast(greater(x!, Math.cos(Math.PI - margin)), 'float32'));
  return add(mul(widened(cos, margin), inside), mul(sub(cos, margin * Math.sin(margin)), sub(1, inside)));
}

type Logits = (cosines: Tensor2D, own: Tensor2D) => Tensor;

/** Cross-entropy of logits made of cosines with class vectors; `own` marks each row's class. */
const classified = (id: string, config: Readonly<Record<string, unknown>>, logits: Logits): EmbeddingLoss => ({
  id,
  config,
  parameters: classVectors,
  compute: (batch: EmbeddingBatch) =>
    tidy(() => {
      const cos = cosines(batch);
      return mean(crossEntropy(logits(cos, classMask(batch.labels, cos.shape[1])), batch.labels));
    }),
});
