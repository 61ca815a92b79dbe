import { RobustError } from '@robustjs/core';
import { type ClassificationRecipe, type Options, parseRecipe, type Recipe } from '../recipe.ts';
import { armId } from './arm-name.ts';
import { metricLearning } from './metric-track.ts';

/** How much of a track to run: `smoke` in seconds, `small` on one processor in minutes, `paper` as published. */
export type Tier = 'smoke' | 'small' | 'paper';

/** One recipe of a run with the name that its files carry. */
export interface Arm<R extends Recipe = Recipe> {
  /** Name of the entry, such as `pgd-at`; a seed other than 0 is part of it. */
  readonly id: string;
  readonly recipe: R;
}

/** A shared protocol: the same data, network and evaluation for every method. */
export interface Track<R extends Recipe = Recipe> {
  readonly id: string;
  readonly title: string;
  /** What each tier is for, in a sentence. */
  readonly tiers: Readonly<Record<Tier, string>>;
  /**
   * The recipes of a tier, in the order of the table.
   *
   * @param data data set in place of the tier's own, where the tier has several.
   * @throws RobustError `RJS_TRACK_DATA` for one that it does not have.
   */
  arms(tier: Tier, seed?: number, data?: string): Arm<R>[];
}

/** The methods that the default tracks compare, with the options that the tier shares among them. */
interface Protocol {
  readonly shared: Omit<ClassificationRecipe, 'schema' | 'track' | 'tier' | 'method' | 'seed' | 'runtime'>;
  readonly methods: Readonly<Record<string, { readonly package: string; readonly options: Options }>>;
}

const suite = (draws: number, steps: number, restarts: number): ClassificationRecipe['evaluation']['attacks'] => [
  { id: 'noise', options: { draws } },
  { id: 'fgsm', options: {} },
  { id: 'pgd', options: { steps, restarts } },
  // Cross-entropy has no gradient left where logits are large, the margin does.
  { id: 'pgd', options: { steps, restarts: 1, objective: 'margin' } },
];

const methods = (eps: number | string, steps: number, beta: number): Protocol['methods'] => ({
  standard: { package: 'standard', options: {} },
  'pgd-at': { package: '@robustjs/pgd-at', options: { eps, steps } },
  trades: { package: '@robustjs/trades', options: { eps, steps, beta } },
  advprop: { package: '@robustjs/advprop', options: { eps, steps } },
});

const adam = { id: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, decayNorm: false } as const;

const smoke: Protocol = {
  shared: {
    data: { id: 'mnist', train: 256, validation: 64 },
    architecture: { id: 'small-cnn', options: { widths: [8, 8] } },
    training: { epochs: 2, batchSize: 32, learningRate: 0.005, optimizer: adam, schedule: { id: 'cosine', warmup: 0 }, shards: 1 },
    evaluation: {
      norm: 'Linf',
      eps: [0.1, 0.2],
      attacks: suite(5, 4, 1),
      clean: 40,
      attacked: 20,
      curve: { eps: [0, 0.1, 0.2, 1], attack: { id: 'pgd', options: { steps: 4 } }, examples: 10 },
      batchSize: 40,
    },
  },
  methods: methods(0.2, 2, 3),
};

const small: Protocol = {
  shared: {
    data: { id: 'mnist', train: 8000, validation: 1000 },
    architecture: { id: 'small-cnn', options: { widths: [16, 32, 32] } },
    training: { epochs: 2, batchSize: 64, learningRate: 0.01, optimizer: adam, schedule: { id: 'cosine', warmup: 0 }, shards: 1 },
    evaluation: {
      norm: 'Linf',
      eps: [0.1, 0.2],
      attacks: suite(100, 50, 2),
      clean: 1000,
      attacked: 500,
      curve: { eps: [0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 1], attack: { id: 'pgd', options: { steps: 20 } }, examples: 200 },
      batchSize: 100,
    },
  },
  methods: methods(0.2, 5, 3),
};

// Schedule and optimizer of the TRADES and PGD-AT releases for CIFAR-10, on the network that this package has.
const paper: Protocol = {
  shared: {
    data: { id: 'cifar10' },
    architecture: { id: 'resnet', options: { blocks: 3, widths: [64, 128, 256] } },
    training: {
      epochs: 100,
      batchSize: 128,
      learningRate: 0.1,
      optimizer: { id: 'sgd', momentum: 0.9, nesterov: false, weightDecay: 5e-4, decayNorm: true },
      schedule: { id: 'step', milestones: [0.75, 0.9], factor: 0.1 },
      shards: 1,
    },
    evaluation: {
      norm: 'Linf',
      eps: ['8/255'],
      attacks: suite(1000, 50, 5),
      curve: {
        eps: [0, '2/255', '4/255', '8/255', '16/255', '32/255', '64/255', 1],
        attack: { id: 'pgd', options: { steps: 50 } },
        examples: 1000,
      },
      batchSize: 250,
    },
  },
  methods: methods('8/255', 10, 6),
};

const protocols: Readonly<Record<Tier, Protocol>> = { smoke, small, paper };

/** Image classification under norm-bounded perturbations. */
export const imageClassification: Track<ClassificationRecipe> = {
  id: 'image-classification',
  title: 'Image classification under norm-bounded perturbations',
  tiers: {
    smoke: 'the whole path on a handful of digits, in seconds; its numbers mean nothing',
    small: 'small networks on 8,000 MNIST digits, in minutes on one processor',
    paper: 'residual networks on CIFAR-10 with the published schedules; wants a graphics card',
  },
  arms(tier, seed = 0, data) {
    const own = protocols[tier].shared.data.id;
    if (data !== undefined && data !== own) {
      throw new RobustError('RJS_TRACK_DATA', { expected: `the data of tier ${tier}, ${own}`, got: JSON.stringify(data), fix: 'leave --data out' });
    }
    return Object.entries(protocols[tier].methods).map(([id, method]) => ({
      id: armId(id, seed),
      recipe: parseRecipe({ schema: 1, track: 'image-classification', tier, seed, runtime: 'wasm', ...protocols[tier].shared, method }) as ClassificationRecipe,
    }));
  },
};

/** All tracks by name. */
export const tracks: Readonly<Record<string, Track>> = { [imageClassification.id]: imageClassification, [metricLearning.id]: metricLearning };

/**
 * The track with this name.
 *
 * @throws RobustError `RJS_TRACK` naming those there are.
 */
export function trackNamed(id: string): Track {
  const track = Object.hasOwn(tracks, id) ? tracks[id] : undefined;
  if (track === undefined) {
    throw new RobustError('RJS_TRACK', { expected: `a track among ${Object.keys(tracks).join(', ')}`, got: JSON.stringify(id), fix: 'see: robustjs list tracks' });
  }
  return track;
}

/** A track as the JSON document that stands in benchmarks/tracks: every recipe of every tier. */
export function trackDocument(track: Track): object {
  const tiers = Object.entries(track.tiers).map(([tier, about]): [string, object] => [
    tier,
    { about, recipes: Object.fromEntries(track.arms(tier as Tier).map(({ id, recipe }) => [id, recipe])) },
  ]);
  return { schema: 1, id: track.id, title: track.title, tiers: Object.fromEntries(tiers) };
}
