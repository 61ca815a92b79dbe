import { l1, l2, linf } from '@robustjs/core';
import { attackConformance, useWasm } from '@robustjs/testkit';
import { describe, it } from 'vitest';
import { attacks, catalogue, l0 } from '../src/index.ts';
import { SMALL, threatNamed } from './small.ts';

useWasm();

describe('every attack of the registry', () => {
  for (const [name, create] of Object.entries(attacks)) {
    const threats = [linf(0.1), l2(0.8), l1(4), l0(6)].filter(({ norm }) => catalogue[name]!.norms.some((known) => known === norm));
    const steps = Object.hasOwn(create().config, 'steps');
    attackConformance(name, (options) => create({ ...SMALL[name], ...options }), { describe, it, threats, named: threatNamed, steps, beyond: catalogue[name]!.budget === 'minimum-norm' });
  }
});
