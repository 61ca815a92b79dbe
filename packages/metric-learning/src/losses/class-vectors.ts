import type { NamedVariable, RandomStream } from '@robustjs/core';
import { namedVariable } from '@robustjs/nn';
import { tensor2d, type Tensor, type Tensor2D } from '@tensorflow/tfjs-core';
import { normalized, similarities } from '../distances.ts';
import type { EmbeddingBatch, LossSizes } from '../types.ts';

/** One trained vector a class, uniform in ±1/sqrt(d) at the start (Roth et al.). */
export function classVectors({ classes, dimensions }: LossSizes, random: RandomStream): readonly NamedVariable[] {
  const limit = 1 / Math.sqrt(dimensions);
  const values = random.split('class-vectors').uniform(classes * dimensions).map((u) => (2 * u - 1) * limit);
  return [namedVariable('loss/class-vectors', tensor2d(values, [classes, dimensions]))];
}

/** Cosines of embeddings with the vector of each class, `[N, C]`. */
export function cosines({ embeddings, parameters }: EmbeddingBatch): Tensor2D {
  const [vectors] = parameters as readonly [Tensor];
  return similarities(normalized(embeddings), normalized(vectors as Tensor2D));
}
