import { l1, l2, linf } from '@robustjs/core';
import { attackConformance, useWasm } from '@robustjs/testkit';
import { describe, it } from 'vitest';
import { attacks, catalogue } from '../src/index.ts';

useWasm();

/** Options that make an attack cheap enough to run often. */
const SMALL: Readonly<Record<string, object>> = {
  noise: { draws: 20 },
  fab: { steps: 6 },
  'fab-t': { steps: 6 },
};

/** These look beyond the budget on their way to the nearest adversarial input. */
const BEYOND = ['fab', 'fab-t'];

describe('every attack of the registry', () => {
  for (const [name, create] of Object.entries(attacks)) {
    const threats = [linf(0.1), l2(0.8), l1(4)].filter(({ norm }) => catalogue[name]!.norms.some((known) => known === norm));
    const steps = Object.hasOwn(create().config, 'steps');
    attackConformance(name, (options) => create({ ...SMALL[name], ...options }), { describe, it, threats, steps, beyond: BEYOND.includes(name) });
  }
});
