import { RobustError } from '@robustjs/core';
import { allTriplets, batchHard, byMargin, distanceWeighted, type EmbeddingLoss, mdpropPresets, type Miner, pmlPresets, randomTriplets, rothPresets, semiHard, softHard } from '@robustjs/metric-learning';
import { z } from 'zod';
import type { LossRecipe } from '../metric-recipe.ts';

const presets = { pml: pmlPresets, roth: rothPresets, mdprop: mdpropPresets };

const margin = z.strictObject({ margin: z.number().nonnegative().optional() });
const none = z.strictObject({});

/** Makes a miner of options that a recipe gives. */
type MinerMaker = (options: unknown) => Miner;

const miners: Readonly<Record<string, MinerMaker>> = {
  all: (options) => (none.parse(options), allTriplets),
  random: (options) => (none.parse(options), randomTriplets),
  hard: (options) => byMargin('hard', margin.parse(options).margin),
  'by-margin': (options) => {
    const { kind, ...rest } = margin.extend({ kind: z.enum(['all', 'hard', 'semi-hard', 'easy']) }).parse(options);
    return byMargin(kind, rest.margin);
  },
  'semi-hard': (options) => semiHard(margin.parse(options).margin),
  'soft-hard': (options) => (none.parse(options), softHard),
  'batch-hard': (options) => (none.parse(options), batchHard),
  'distance-weighted': (options) => {
    const { cutoff, farthest } = z.strictObject({ cutoff: z.number().positive().optional(), farthest: z.number().positive().optional() }).parse(options);
    return distanceWeighted({ ...(cutoff !== undefined && { cutoff }), ...(farthest !== undefined && { farthest }) });
  },
};

/**
 * The loss of a recipe.
 *
 * @throws RobustError `RJS_LOSS` naming those there are.
 */
export function lossNamed({ id, preset }: LossRecipe): EmbeddingLoss {
  const known = presets[preset];
  if (Object.hasOwn(known, id)) return known[id]!();
  throw badLoss(`a loss with the defaults of ${preset}, among ${Object.keys(known).join(', ')}`, JSON.stringify(id));
}

/**
 * The miner of a recipe; nothing where it names none.
 *
 * @throws RobustError `RJS_LOSS` for one that is not known, or options that it does not take.
 */
export function minerNamed({ miner }: LossRecipe): Miner | undefined {
  if (miner === undefined) return undefined;
  if (!Object.hasOwn(miners, miner.id)) throw badLoss(`a miner among ${Object.keys(miners).join(', ')}`, JSON.stringify(miner.id));
  try {
    return miners[miner.id]!(miner.options);
  } catch (cause) {
    throw badLoss(`options that the miner ${miner.id} takes`, JSON.stringify(miner.options), cause);
  }
}

/** What `RJS_LOSS` says. */
export const badLoss = (expected: string, got: string, cause?: unknown): RobustError =>
  new RobustError('RJS_LOSS', { expected, got, fix: 'correct the loss in the recipe', cause });
