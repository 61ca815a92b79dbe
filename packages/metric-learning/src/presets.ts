import { contrastive } from './losses/contrastive.ts';
import { margin } from './losses/margin.ts';
import { multiSimilarity } from './losses/multi-similarity.ts';
import { proxyAnchor, proxyNca } from './losses/proxy.ts';
import { arcFace, cosFace, normalizedSoftmax } from './losses/softmax.ts';
import { triplet } from './losses/triplet.ts';
import type { EmbeddingLoss } from './types.ts';

/** Losses by name, with one library's defaults. */
export type LossPresets = Readonly<Record<string, () => EmbeddingLoss>>;

/** Defaults of PyTorch Metric Learning 2.8. */
export const pmlPresets: LossPresets = {
  contrastive: () => contrastive(),
  triplet: () => triplet(),
  margin: () => margin(),
  'multi-similarity': () => multiSimilarity(),
  'normalized-softmax': () => normalizedSoftmax(),
  cosface: () => cosFace(),
  // 28.6 degrees.
  arcface: () => arcFace({ margin: (28.6 * Math.PI) / 180, scale: 64 }),
  'proxy-nca': () => proxyNca(),
  'proxy-anchor': () => proxyAnchor(),
};

/** Defaults of Roth et al., "Revisiting Training Strategies" (ICML 2020), which S2SD took over; triplets come from a miner. */
export const rothPresets: LossPresets = {
  contrastive: () => contrastive({ averaging: 'mean' }),
  triplet: () => triplet({ margin: 0.2, squared: true, averaging: 'mean' }),
  margin: () => margin({ learnBeta: true }),
  'multi-similarity': () => multiSimilarity({ beta: 40, mining: 0.1, incomplete: 'skip' }),
  'normalized-softmax': () => normalizedSoftmax(),
  arcface: () => arcFace({ variant: 'clamp' }),
  'proxy-nca': () => proxyNca({ scale: 9, ownInSum: false }),
};

/** Roth et al.'s as MDProp's released code has them (Singh et al., ACML 2023): the margin of its ArcFace reaches all classes alike and so has no effect. */
export const mdpropPresets: LossPresets = { ...rothPresets, arcface: () => arcFace({ variant: 'inert' }) };
