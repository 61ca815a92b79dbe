import { RobustError } from '@robustjs/core';
import type { MetricRecipe } from '../metric-recipe.ts';
import { type AttackRecipe, type Options, parseRecipe } from '../recipe.ts';
import { armId } from './arm-name.ts';
import type { Tier, Track } from './tracks.ts';

/** What all arms of a tier share. */
type Shared = Pick<MetricRecipe, 'data' | 'architecture' | 'embedding' | 'training' | 'evaluation'>;

interface Protocol {
  /** By data set; the first is the tier's own. */
  readonly shared: Readonly<Record<string, Shared>>;
  /** Budget and steps of the examples that methods train on. */
  readonly attack: { readonly eps: number; readonly steps: number };
}

const adam = { id: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, decayNorm: false } as const;
const constant = { id: 'constant' } as const;

/** The suite: the attack of robust-dml at few steps and at many, which tells masked gradients; all goals that a query may be moved to; noise. */
const suite = (few: number, many: number, draws: number): AttackRecipe[] => [
  { id: 'noise', options: { draws } },
  { id: 'global', options: { steps: few } },
  { id: 'global', options: { steps: many } },
  { id: 'untargeted', options: { steps: many } },
  { id: 'single-target', options: { steps: many } },
  { id: 'multi-target', options: { steps: many, targets: 5 } },
  { id: 'margin', options: { steps: many } },
];

const smoke: Protocol = {
  shared: {
    mnist: {
      data: { id: 'mnist', classes: { train: 4, validation: 3, test: 3 }, train: 160, validation: 60, test: 60 },
      architecture: { id: 'small-cnn', options: { widths: [8, 8] } },
      embedding: { dimensions: 8 },
      training: { epochs: 2, batchSize: 32, learningRate: 0.003, optimizer: adam, schedule: constant, shards: 1, perClass: 2, keep: 'last' },
      evaluation: { norm: 'Linf', eps: [0.05, 0.1], attacks: suite(2, 4, 3), queries: 24, batchSize: 24 },
    },
  },
  attack: { eps: 0.05, steps: 1 },
};

// Rate and epochs were chosen on validation classes with plain training at a seed of its own (1000): where its Recall@1 stops rising.
const smallTerms: Omit<Shared, 'data'> = {
  architecture: { id: 'small-cnn', options: { widths: [16, 32, 32] } },
  embedding: { dimensions: 64 },
  training: { epochs: 40, batchSize: 64, learningRate: 0.003, optimizer: adam, schedule: constant, shards: 1, perClass: 2, keep: 'best' },
  evaluation: { norm: 'Linf', eps: [0.01, 0.025, 0.05], attacks: suite(5, 20, 20), queries: 500, batchSize: 100 },
};

const small: Protocol = {
  shared: {
    omniglot: { ...smallTerms, data: { id: 'omniglot', classes: { train: 150, validation: 32, test: 60 } } },
    mnist: { ...smallTerms, data: { id: 'mnist', classes: { train: 5, validation: 2, test: 3 }, train: 3000, validation: 600, test: 1200 } },
    'fashion-mnist': { ...smallTerms, data: { id: 'fashion-mnist', classes: { train: 5, validation: 2, test: 3 }, train: 3000, validation: 600, test: 1200 } },
  },
  attack: { eps: 0.05, steps: 1 },
};

// MDProp's and robust-dml's schedules, from scratch, on what this package has: a residual network, Omniglot whole.
const paper: Protocol = {
  shared: {
    omniglot: {
      data: { id: 'omniglot', classes: { train: 150, validation: 32, test: 60 } },
      architecture: { id: 'resnet', options: { blocks: 2, widths: [32, 64, 128] } },
      embedding: { dimensions: 128 },
      training: { epochs: 125, batchSize: 112, learningRate: 0.001, optimizer: { ...adam, weightDecay: 4e-4 }, schedule: constant, shards: 1, perClass: 2, keep: 'best' },
      evaluation: { norm: 'Linf', eps: [0.01, 0.025, 0.05, 0.1], attacks: suite(5, 50, 100), batchSize: 200 },
    },
  },
  attack: { eps: 0.05, steps: 1 },
};

const protocols: Readonly<Record<Tier, Protocol>> = { smoke, small, paper };

/** A method, and the loss where it leaves that to the track. */
interface Contender {
  readonly method: { readonly package: string; readonly options: Options };
  readonly loss: 'multi-similarity' | 'arcface';
}

/**
 * Who is compared: plain training, the same adversarial examples through one norm and through three, robust-dml, and what robust-dml is without an
 * attack: its loss and miner are not the track's.
 */
function contenders({ eps, steps }: Protocol['attack']): Readonly<Record<string, Contender>> {
  const feature = (options: Options): Contender['method'] => ({ package: '@robustjs/mdprop', options: { eps, steps, ...options } });
  const byLoss = {
    plain: { package: 'standard', options: {} },
    'shared-norm': feature({ norms: 'shared', multiTargets: 5 }),
    'mdprop-1': feature({ multiTargets: 1 }),
    'mdprop-5': feature({ multiTargets: 5 }),
  };
  const named = (loss: Contender['loss'], prefix: string): [string, Contender][] => Object.entries(byLoss).map(([id, method]) => [`${prefix}${id}`, { method, loss }]);
  const robust = (options: Options): Contender => ({ method: { package: '@robustjs/robust-dml', options: { eps, steps: 5, ...options } }, loss: 'multi-similarity' });
  return Object.fromEntries([...named('multi-similarity', ''), ['robust-dml', robust({})], ['contrastive-plain', robust({ rate: 0 })], ...named('arcface', 'arcface-')]);
}

/** Image retrieval by embeddings of classes that were never trained on, under norm-bounded perturbations of the queries. */
export const metricLearning: Track<MetricRecipe> = {
  id: 'metric-learning',
  title: 'Image retrieval by embeddings of unseen classes, with attacked queries',
  tiers: {
    smoke: 'the whole path on a handful of digits, in seconds; its numbers mean nothing',
    small: 'small networks on Omniglot, characters disjoint, in minutes on one processor; digits instead with --data mnist',
    paper: 'a residual network on Omniglot with the published schedule; wants a graphics card',
  },
  arms(tier, seed = 0, data) {
    const { shared, attack } = protocols[tier];
    const [own] = Object.keys(shared);
    const chosen = data ?? own!;
    if (!Object.hasOwn(shared, chosen)) {
      throw new RobustError('RJS_TRACK_DATA', { expected: `data of tier ${tier} among ${Object.keys(shared).join(', ')}`, got: JSON.stringify(data), fix: 'leave --data out for the first of these' });
    }
    return Object.entries(contenders(attack)).map(([name, { method, loss }]) => ({
      id: armId([name, ...(chosen === own ? [] : [chosen])].join('-'), seed),
      recipe: parseRecipe({ schema: 1, track: 'metric-learning', tier, seed, runtime: 'wasm', ...shared[chosen], method, loss: { id: loss, preset: 'roth' } }) as MetricRecipe,
    }));
  },
};
