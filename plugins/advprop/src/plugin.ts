import { type DefensePlugin, definePlugin } from '@robustjs/core';
import { z } from 'zod';
import { advprop, type AdvpropOptions } from './advprop.ts';

const options = z.strictObject({
  norm: z.enum(['Linf', 'L2', 'L1']).default('Linf').describe('Norm of the attack trained on'),
  eps: z.union([z.number(), z.string()]).default('4/255').describe("Budget in the units of the model's bounds"),
  alpha: z.union([z.number(), z.string()]).optional().describe('Step length of the attack; default eps / steps'),
  steps: z.int().min(1).default(5).describe('Steps of the attack'),
  targeted: z.boolean().default(false).describe('Attack towards a random other class, for data of many classes'),
  randomStart: z.boolean().default(true).describe('Start at a random point of the ball'),
  labelSmoothing: z.number().min(0).max(1).default(0).describe('Share of the label moved to the uniform distribution'),
});

/** AdvProp as a plugin. */
export const plugin: DefensePlugin<AdvpropOptions> = definePlugin<AdvpropOptions>({
  id: 'advprop',
  kind: 'defense',
  paper: {
    title: 'Adversarial Examples Improve Image Recognition',
    authors: 'Cihang Xie, Mingxing Tan, Boqing Gong, Jiang Wang, Alan Yuille, Quoc V. Le',
    venue: 'CVPR',
    year: 2020,
    url: 'https://arxiv.org/abs/1911.09665',
  },
  capabilities: ['image-classification', 'branches', 'input-gradients', 'stochastic'],
  options,
  create: advprop,
});
