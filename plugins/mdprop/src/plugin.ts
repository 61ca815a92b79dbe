import { type DefensePlugin, definePlugin } from '@robustjs/core';
import { z } from 'zod';
import { mdprop, type MdpropOptions } from './mdprop.ts';

const options = z.strictObject({
  preset: z.enum(['paper', 'official']).default('paper').describe('Where eps and clip come from if they are not given: the method in the units of the bounds, or the released code'),
  eps: z.union([z.number(), z.string()]).optional().describe("Linf budget in the units of the model's bounds; default 0.01, 0.00226 with preset official"),
  steps: z.int().min(1).default(1).describe('Steps of the attack'),
  alpha: z.number().positive().optional().describe('Step length of the attack; default eps / steps'),
  startNoise: z.number().nonnegative().default(0.0005).describe("Uniform noise of the attack's start"),
  clip: z.enum(['bounds', 'batch']).optional().describe("'batch': examples also stay between the extremes of the attacked images; default 'bounds', 'batch' with preset official"),
  singleTargets: z.int().min(1).default(1).describe('Targets of an example of the single-target branch'),
  multiTargets: z.int().min(1).default(5).describe('Targets of an example of the multi-target branch'),
  unadversarial: z.boolean().default(false).describe('A third kind of examples, drawn towards their own class, with a branch of its own'),
  norms: z.enum(['separate', 'shared']).default('separate').describe('A branch a distribution, or one for all rows (plain adversarial training)'),
});

/** MDProp as a plugin. */
export const plugin: DefensePlugin<MdpropOptions> = definePlugin<MdpropOptions>({
  id: 'mdprop',
  kind: 'defense',
  paper: {
    title: 'Advancing Deep Metric Learning With Adversarial Robustness',
    authors: 'Inderjeet Singh, Kazuya Kakizaki, Toshinori Araki',
    venue: 'ACML',
    year: 2023,
    url: 'https://proceedings.mlr.press/v222/singh24a.html',
    reconstruction: true,
  },
  capabilities: ['metric-learning', 'branches', 'input-gradients', 'stochastic'],
  options,
  create: mdprop,
});
