import { createHash } from 'node:crypto';
import { RobustError } from '@robustjs/core';
import { z } from 'zod';
import type { MetricRecipe } from './metric-recipe.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Options of a plugin, attack or architecture, ready for JSON. */
export type Options = { [key: string]: Json };

/** An attack by name, with its options. */
export interface AttackRecipe {
  id: string;
  options: Options;
}

/** Which examples, and how many of them. */
export interface DataRecipe {
  id: string;
  dataDir?: string | undefined;
  train?: number | undefined;
  validation?: number | undefined;
}

/** Stochastic gradient descent with momentum, or Adam; weight decay is added to the gradient, as PyTorch does. */
export type OptimizerRecipe =
  | { id: 'sgd'; momentum: number; nesterov: boolean; weightDecay: number; decayNorm: boolean }
  | { id: 'adam'; beta1: number; beta2: number; epsilon: number; weightDecay: number; decayNorm: boolean };

/** How the learning rate moves; shares are of the whole training, in [0, 1]. */
export type ScheduleRecipe =
  | { id: 'constant' }
  | { id: 'step'; milestones: number[]; factor: number }
  | { id: 'cosine'; warmup: number }
  | { id: 'cyclic'; peak: number };

/** How a network is trained. */
export interface TrainingRecipe {
  epochs: number;
  batchSize: number;
  learningRate: number;
  optimizer: OptimizerRecipe;
  schedule: ScheduleRecipe;
  ema?: number | undefined;
  clipNorm?: number | undefined;
  shards: number;
}

/** How a network is evaluated. */
export interface EvaluationRecipe {
  norm: 'Linf' | 'L2' | 'L1';
  eps: (number | string)[];
  attacks: AttackRecipe[];
  clean?: number | undefined;
  attacked?: number | undefined;
  curve?: { eps: (number | string)[]; attack: AttackRecipe; examples: number } | undefined;
  batchSize: number;
  checks?: 'full' | 'quick' | undefined;
}

/** What runs of every track have in common. */
export interface BaseRecipe {
  schema: 1;
  tier: 'smoke' | 'small' | 'paper' | 'custom';
  data: DataRecipe;
  architecture: { id: 'small-cnn' | 'resnet'; options: Options };
  method: { package: string; options: Options };
  training: TrainingRecipe;
  seed: number;
  runtime: string;
}

/** A run of the track `image-classification` as data. */
export interface ClassificationRecipe extends BaseRecipe {
  track: 'image-classification';
  evaluation: EvaluationRecipe;
}

/** A run as data: everything that determines its numbers, and nothing else. */
export type Recipe = ClassificationRecipe | MetricRecipe;

const eps = z.union([z.number().nonnegative(), z.string()]).describe("Budget in the units of the model's bounds: 0.03 or '8/255'");
const options = z.record(z.string(), z.json());

const attack = z.strictObject({
  id: z.string().describe('Name of the attack, such as pgd'),
  options: options.default({}).describe("The attack's options"),
});

const data = z.strictObject({
  id: z.string().describe('Data set: mnist, fashion-mnist, cifar10, omniglot, image-folder, npy'),
  dataDir: z.string().optional().describe('Folder that holds the files; default: the usual places'),
  train: z.int().min(1).optional().describe('Training examples to use; default: all'),
  validation: z.int().min(1).optional().describe('Validation examples to use; default: all'),
});

const optimizer = z.discriminatedUnion('id', [
  z.strictObject({
    id: z.literal('sgd'),
    momentum: z.number().min(0).max(1).default(0.9),
    nesterov: z.boolean().default(false),
    weightDecay: z.number().nonnegative().default(5e-4).describe('Added to the gradient, as PyTorch does'),
    decayNorm: z.boolean().default(false).describe('Decay biases and normalization parameters too'),
  }),
  z.strictObject({
    id: z.literal('adam'),
    beta1: z.number().min(0).max(1).default(0.9),
    beta2: z.number().min(0).max(1).default(0.999),
    epsilon: z.number().positive().default(1e-8),
    weightDecay: z.number().nonnegative().default(0),
    decayNorm: z.boolean().default(false),
  }),
]);

const schedule = z.discriminatedUnion('id', [
  z.strictObject({ id: z.literal('constant') }),
  z.strictObject({
    id: z.literal('step'),
    milestones: z.array(z.number().min(0).max(1)).default([0.5, 0.75]).describe('Shares of the training after which the rate drops'),
    factor: z.number().positive().default(0.1),
  }),
  z.strictObject({ id: z.literal('cosine'), warmup: z.number().min(0).max(1).default(0).describe('Share of the training that rises linearly') }),
  z.strictObject({ id: z.literal('cyclic'), peak: z.number().min(0).max(1).default(0.5).describe('Share of the training at which the rate peaks') }),
]);

const training = z.strictObject({
  epochs: z.int().min(1),
  batchSize: z.int().min(1).default(64),
  learningRate: z.number().positive(),
  optimizer: optimizer.prefault({ id: 'sgd' }),
  schedule: schedule.prefault({ id: 'cosine' }),
  ema: z.number().min(0).max(1).optional().describe('Decay of the average of weights that is deployed; absent: no average'),
  clipNorm: z.number().positive().optional().describe('Largest length of the whole gradient'),
  shards: z.int().min(1).default(1).describe('Parts of a batch whose gradients are taken apart and added in this order'),
});

const evaluation = z.strictObject({
  norm: z.enum(['Linf', 'L2', 'L1']).default('Linf'),
  eps: z.array(eps).min(1).describe('Budgets at which the whole suite runs; the last is the one that ranks'),
  attacks: z.array(attack).min(1).describe('The suite; robust accuracy is the worst case over it, example by example'),
  clean: z.int().min(1).optional().describe('Test examples for clean accuracy; default: all'),
  attacked: z.int().min(1).optional().describe('Test examples to attack; default: all'),
  curve: z
    .strictObject({ eps: z.array(eps).min(1), attack, examples: z.int().min(1) })
    .optional()
    .describe('Accuracy against eps, with one attack'),
  batchSize: z.int().min(1).default(100),
  checks: z.enum(['full', 'quick']).optional().describe('Sanity checks; default: full, in tier smoke quick'),
});

// What stands beside the track's own parts.
const common = {
  schema: z.literal(1),
  tier: z.enum(['smoke', 'small', 'paper', 'custom']),
  architecture: z.strictObject({ id: z.enum(['small-cnn', 'resnet']), options: options.default({}) }),
  method: z.strictObject({
    package: z.string().describe("npm package of the plugin, or 'standard' for plain training"),
    options: options.default({}),
  }),
  seed: z.int().default(0),
  runtime: z.string().default('wasm'),
};

const classification = z.strictObject({ ...common, track: z.literal('image-classification'), data, training, evaluation });

const metricTraining = training
  .extend({
    perClass: z.int().min(2).default(2).describe('Examples of each class drawn for a batch'),
    keep: z.enum(['last', 'best']).default('last').describe('Weights deployed: of the last epoch, or of the best Recall@1 on validation classes'),
  })
  .refine(({ batchSize, shards, perClass }) => batchSize % (shards * perClass) === 0, {
    error: 'every shard of a batch must hold whole groups of perClass examples: batchSize is no multiple of shards * perClass',
    path: ['batchSize'],
  });

const metric = z.strictObject({
  ...common,
  track: z.literal('metric-learning'),
  data: data.extend({
    classes: z.strictObject({ train: z.int().min(2), validation: z.int().min(2), test: z.int().min(2) }).describe('Classes of each part; no class is in two'),
    test: z.int().min(1).optional().describe('Test examples to use; default: all'),
  }),
  embedding: z.strictObject({ dimensions: z.int().min(2).describe('Numbers in an embedding, which has length 1') }),
  loss: z.strictObject({
    id: z.string().describe('Loss over embeddings, such as multi-similarity or arcface'),
    preset: z.enum(['pml', 'roth', 'mdprop']).default('roth').describe("Whose defaults: PyTorch Metric Learning's, Roth et al.'s, or those of MDProp's released code"),
    miner: z.strictObject({ id: z.string(), options: options.default({}) }).optional().describe('Chooses triplets; absent: all that a batch has'),
    rateFactor: z.number().positive().default(1).describe("Learning rate of the loss's own parameters, as a factor"),
  }),
  training: metricTraining,
  evaluation: evaluation.omit({ clean: true, attacked: true, curve: true, checks: true }).extend({
    queries: z.int().min(1).optional().describe('Test examples that are attacked as queries; default: all'),
  }),
});

const recipe: z.ZodType<Recipe> = z.discriminatedUnion('track', [classification, metric]);

/** The JSON Schema of recipes. */
export const recipeJsonSchema: object = z.toJSONSchema(recipe, { io: 'input' });

/**
 * Checks a recipe and fills in its defaults.
 *
 * @throws RobustError `RJS_RECIPE` naming the field.
 */
export function parseRecipe(value: unknown): Recipe {
  const result = recipe.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new RobustError('RJS_RECIPE', {
    expected: `a valid recipe${issue?.path.length ? ` at '${issue.path.join('.')}'` : ''}`,
    got: issue?.message ?? 'an invalid one',
    fix: 'see the JSON Schema: robustjs list schema',
    cause: result.error,
  });
}

/** SHA-256 of a recipe's canonical form: object keys sorted, defaults filled in, without the folder that a known data set lies in. */
export function recipeHash(value: Recipe): string {
  return createHash('sha256').update(canonicalJson(publishable(value))).digest('hex');
}

// Data that only the folder names.
const OWN_DATA: readonly string[] = ['image-folder', 'npy'];

/** A recipe as it is published: where a known data set lies on this machine determines no number, and is nobody's business. */
export function publishable<R extends Recipe>(recipe: R): R {
  const { dataDir: _, ...data } = recipe.data;
  return OWN_DATA.includes(recipe.data.id) ? recipe : { ...recipe, data };
}

/** JSON with sorted keys, so that equal values give equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
