import { type DefensePlugin, definePlugin } from '@robustjs/core';
import { z } from 'zod';
import { robustDml, type RobustDmlOptions } from './robust-dml.ts';

const options = z.strictObject({
  norm: z.enum(['Linf', 'L2', 'L1']).default('Linf').describe('Norm of the budget'),
  eps: z.union([z.number(), z.string()]).default(0.01).describe("Budget in the units of the model's bounds"),
  steps: z.int().min(1).default(5).describe('Steps of the attack'),
  alpha: z.number().positive().optional().describe('Step length of the attack; default 2 * eps / steps'),
  loss: z.enum(['contrastive', 'triplet']).default('contrastive').describe('What is minimized over the triplets'),
  role: z.enum(['positive', 'negative', 'anchor']).default('positive').describe('Which member of a triplet is perturbed'),
  rate: z.number().min(0).max(1).default(1).describe('Share of triplets that are attacked'),
});

/** Robust metric learning as a plugin. */
export const plugin: DefensePlugin<RobustDmlOptions> = definePlugin<RobustDmlOptions>({
  id: 'robust-dml',
  kind: 'defense',
  paper: {
    title: 'Exploring Adversarial Robustness of Deep Metric Learning',
    authors: 'Thomas Kobber Panum, Zi Wang, Pengyu Kan, Earlence Fernandes, Somesh Jha',
    venue: 'arXiv',
    year: 2021,
    url: 'https://arxiv.org/abs/2102.07265',
    reconstruction: true,
  },
  capabilities: ['metric-learning', 'input-gradients', 'stochastic'],
  options,
  create: robustDml,
});
