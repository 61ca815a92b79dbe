import { type DefensePlugin, definePlugin } from '@robustjs/core';
import { z } from 'zod';
import { type PgdAtOptions, pgdAt } from './pgd-at.ts';

const options = z.strictObject({
  norm: z.enum(['Linf', 'L2', 'L1']).default('Linf').describe('Norm of the threat model trained against'),
  eps: z.union([z.number(), z.string()]).default('8/255').describe("Budget in the units of the model's bounds"),
  alpha: z.union([z.number(), z.string()]).optional().describe('Step length of the attack; default 2.5 * eps / steps'),
  steps: z.int().min(1).default(10).describe('Steps of the attack; the paper trains with 7, its code with 10'),
  randomStart: z.boolean().default(true).describe('Start at a random point of the ball'),
});

/** PGD adversarial training as a plugin. */
export const plugin: DefensePlugin<PgdAtOptions> = definePlugin<PgdAtOptions>({
  id: 'pgd-at',
  kind: 'defense',
  paper: {
    title: 'Towards Deep Learning Models Resistant to Adversarial Attacks',
    authors: 'Aleksander Madry, Aleksandar Makelov, Ludwig Schmidt, Dimitris Tsipras, Adrian Vladu',
    venue: 'ICLR',
    year: 2018,
    url: 'https://arxiv.org/abs/1706.06083',
  },
  capabilities: ['image-classification', 'input-gradients', 'stochastic'],
  options,
  create: pgdAt,
});
