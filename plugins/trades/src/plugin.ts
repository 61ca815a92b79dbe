import { type DefensePlugin, definePlugin } from '@robustjs/core';
import { z } from 'zod';
import { trades, type TradesOptions } from './trades.ts';

const options = z.strictObject({
  beta: z.number().nonnegative().default(6).describe('Weight of the robust term, 1 / lambda in the paper'),
  norm: z.enum(['Linf', 'L2', 'L1']).default('Linf').describe('Norm of the threat model trained against'),
  eps: z.union([z.number(), z.string()]).default(0.031).describe("Budget in the units of the model's bounds"),
  alpha: z.union([z.number(), z.string()]).optional().describe('Step length of the attack; default 2.5 * eps / steps'),
  steps: z.int().min(1).default(10).describe('Steps of the attack'),
});

/** TRADES as a plugin. */
export const plugin: DefensePlugin<TradesOptions> = definePlugin<TradesOptions>({
  id: 'trades',
  kind: 'defense',
  paper: {
    title: 'Theoretically Principled Trade-off between Robustness and Accuracy',
    authors: 'Hongyang Zhang, Yaodong Yu, Jiantao Jiao, Eric P. Xing, Laurent El Ghaoui, Michael I. Jordan',
    venue: 'ICML',
    year: 2019,
    url: 'https://arxiv.org/abs/1901.08573',
  },
  capabilities: ['image-classification', 'input-gradients', 'stochastic'],
  options,
  create: trades,
});
