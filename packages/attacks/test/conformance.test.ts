import { l1, l2, linf } from '@robustjs/core';
import { attackConformance, useWasm } from '@robustjs/testkit';
import { describe, it } from 'vitest';
import { attacks } from '../src/index.ts';

useWasm();

describe('every attack of the registry', () => {
  for (const [name, create] of Object.entries(attacks)) {
    const threats = [linf(0.1), l2(0.8), l1(4)];
    const steps = Object.hasOwn(create().config, 'steps');
    attackConformance(name, (options) => create(name === 'noise' ? { draws: 20, ...options } : options), { describe, it, threats, steps });
  }
});
