import { type AttackPlugin, definePlugin } from '@robustjs/core';
import { z } from 'zod';
import { autoAttack, type AutoAttackOptions } from './autoattack.ts';

const member = z.strictObject({
  id: z.string().describe('Name in the registry of @robustjs/attacks'),
  options: z.record(z.string(), z.json()).optional().describe('Options of that attack'),
});

const options = z.strictObject({
  version: z.enum(['standard', 'plus', 'rand', 'custom']).default('standard').describe('Which composition; rand is for models that draw random numbers'),
  queries: z.int().min(1).default(5000).describe('Queries of Square; fewer are not AutoAttack'),
  members: z.array(member).optional().describe('For the version custom: what to run, in order'),
});

/** AutoAttack as a plugin. */
export const plugin: AttackPlugin<AutoAttackOptions> = definePlugin<AutoAttackOptions>({
  id: 'autoattack',
  kind: 'attack',
  paper: {
    title: 'Reliable evaluation of adversarial robustness with an ensemble of diverse parameter-free attacks',
    authors: 'Francesco Croce, Matthias Hein',
    venue: 'ICML',
    year: 2020,
    url: 'https://arxiv.org/abs/2003.01690',
  },
  capabilities: ['image-classification', 'input-gradients', 'stochastic'],
  options,
  create: autoAttack,
});
