import { normalized } from '@robustjs/metric-learning';
import type { Network } from '@robustjs/nn';
import { type Tensor2D, tidy } from '@tensorflow/tfjs-core';

/** The network with outputs scaled to length 1: embeddings on the unit sphere. A row of zeros stays zero. */
export const embeddingNetwork = (network: Network): Network => ({
  ...network,
  forward: (inputs, pass) => tidy(() => normalized(network.forward(inputs, pass) as Tensor2D)),
});
