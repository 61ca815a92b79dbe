import { mean } from '@robustjs/core';
import { crossEntropy } from '@robustjs/nn';
import { add, cast, div, greater, logSumExp, maximum, mul, sub, sum, type Tensor1D, tidy, transpose } from '@tensorflow/tfjs-core';
import { checkNumber } from '../errors.ts';
import { FAR, logOnePlusSum } from '../log-one-plus-sum.ts';
import { classMask } from '../masks.ts';
import type { EmbeddingLoss } from '../types.ts';
import { classVectors, cosines } from './class-vectors.ts';

/** Options of {@link proxyNca}. */
export interface ProxyNcaOptions {
  /** Factor on squared distances. Default 1. */
  readonly scale?: number;
  /** Whether the own class stands in the denominator too (PyTorch Metric Learning), or not (the paper, Roth et al.). Default true. */
  readonly ownInSum?: boolean;
}

/**
 * Proxy-NCA: each embedding is near its class's proxy, compared with the others; squared distances on the unit sphere are 2 - 2 cos.
 *
 * Source: Movshovitz-Attias et al., ICCV 2017, equation 4.
 *
 * @throws RobustError `RJS_METRIC_OPTION`.
 */
export function proxyNca(options: ProxyNcaOptions = {}): EmbeddingLoss {
  const { ownInSum = true } = options;
  const scale = checkNumber('scale', options.scale ?? 1, (options.scale ?? 1) > 0, 'above zero');
  return {
    id: 'proxy-nca',
    config: { scale, ownInSum },
    parameters: classVectors,
    compute: (batch) =>
      tidy(() => {
        const cos = cosines(batch);
        const logits = mul(cos, 2 * scale);
        if (ownInSum) return mean(crossEntropy(logits, batch.labels));
        const own = classMask(batch.labels, cos.shape[1]);
        const others = add(mul(logits, sub(1, own)), mul(own, FAR));
        return mean(sub<Tensor1D>(logSumExp(others, 1), sum(mul(logits, own), 1)));
      }),
  };
}

/** Options of {@link proxyAnchor}. */
export interface ProxyAnchorOptions {
  /** Default 0.1. */
  readonly margin?: number;
  /** Default 32. */
  readonly alpha?: number;
}

/**
 * Proxy-anchor: each class's proxy compares the embeddings of a batch. The mean over classes that are present draws, the mean over all pushes.
 *
 * Source: Kim, Kim, Cho, Kwak, CVPR 2020, equation 4.
 *
 * @throws RobustError `RJS_METRIC_OPTION`.
 */
export function proxyAnchor(options: ProxyAnchorOptions = {}): EmbeddingLoss {
  const margin = checkNumber('margin', options.margin ?? 0.1, (options.margin ?? 0.1) >= 0, 'zero or more');
  const alpha = checkNumber('alpha', options.alpha ?? 32, (options.alpha ?? 32) > 0, 'above zero');
  return {
    id: 'proxy-anchor',
    config: { margin, alpha },
    parameters: classVectors,
    compute: (batch) =>
      tidy(() => {
        const cos = cosines(batch);
        const own = classMask(batch.labels, cos.shape[1]);
        const drawn = logOnePlusSum(transpose(mul(sub(margin, cos), alpha)), transpose(own));
        const pushed = logOnePlusSum(transpose(mul(add(cos, margin), alpha)), transpose(sub(1, own)));
        const present = cast(greater(sum(own, 0), 0), 'float32');
        return add(div(sum(mul(drawn, present)), maximum(sum(present), 1)), mean(pushed));
      }),
  };
}
