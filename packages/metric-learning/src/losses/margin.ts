import { namedVariable } from '@robustjs/nn';
import { add, cast, expandDims, fill, gather, greater, mul, relu, type Scalar, sub, sum, type Tensor, type Tensor1D, tidy } from '@tensorflow/tfjs-core';
import { detached } from '../detached.ts';
import { root } from '../distances.ts';
import { checkNumber } from '../errors.ts';
import { ratio } from '../reducers.ts';
import { tripletTerms } from '../terms.ts';
import type { EmbeddingBatch, EmbeddingLoss } from '../types.ts';

/** Options of {@link margin}. */
export interface MarginOptions {
  /** How far from the boundary pairs must keep. Default 0.2. */
  readonly margin?: number;
  /** The boundary between distances of one class and of two. Default 1.2. */
  readonly beta?: number;
  /** Whether each class trains a boundary of its own. Default false. */
  readonly learnBeta?: boolean;
}

/**
 * Margin loss: distances inside a class stay below a boundary, distances to others above it, each by a margin. The sum is divided by the
 * number of terms above zero.
 *
 * Source: Wu, Manmatha, Smola, Krähenbühl, ICCV 2017, equations 4 and 6 (without their regularizer of beta).
 *
 * @throws RobustError `RJS_METRIC_OPTION`.
 */
export function margin(options: MarginOptions = {}): EmbeddingLoss {
  const { learnBeta = false } = options;
  const width = checkNumber('margin', options.margin ?? 0.2, (options.margin ?? 0.2) >= 0, 'zero or more');
  const beta = checkNumber('beta', options.beta ?? 1.2, (options.beta ?? 1.2) > 0, 'above zero');
  return {
    id: 'margin',
    config: { margin: width, beta, learnBeta },
    ...(learnBeta && { parameters: ({ classes }: { classes: number }) => [namedVariable('loss/boundaries', fill([classes], beta))] }),
    compute: (batch) =>
      tidy(() => {
        const { near, far, mask } = tripletTerms(batch);
        const boundary = learnBeta ? boundaries(batch) : beta;
        const terms = [relu(add(sub(root(near), boundary), width)), relu(add(sub(boundary, root(far)), width))];
        const parts = terms.map((term) => [sum(mul(term, mask)), positive(term, mask)] as const);
        return ratio(add(parts[0]![0], parts[1]![0]), add(parts[0]![1], parts[1]![1]));
      }),
  };
}

/** How many terms above zero count; the terms broadcast against the mask. */
const positive = (term: Tensor, mask: Tensor): Scalar => detached([term], ([x]) => sum<Scalar>(mul(mask, cast(greater(x!, 0), 'float32'))));

/** The boundary of each anchor's class. */
function boundaries({ labels, triplets, parameters }: EmbeddingBatch): Tensor {
  const [trained] = parameters as readonly [Tensor];
  const ofRows = gather(trained, labels) as Tensor1D;
  if (triplets === undefined) return expandDims(expandDims(ofRows, 1), 2);
  return triplets.anchors.length === 0 ? mul(sum(trained), 0) : gather(ofRows, Array.from(triplets.anchors));
}
