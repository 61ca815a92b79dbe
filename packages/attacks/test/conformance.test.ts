import { attackConformance, useWasm } from '@robustjs/testkit';
import { describe, it } from 'vitest';
import { attacks, catalogue, type Norm, threatNamed } from '../src/index.ts';
import { SMALL } from './small.ts';

useWasm();

/** Where an untrained tiny network loses some rows and keeps others. */
const EPS: Readonly<Record<Norm, number>> = { Linf: 0.1, L2: 0.8, L1: 4, L0: 6, patch: 3, framing: 1, pixels: 6 };

const DESCENDANTS = ['ni-fgsm', 'di-fgsm', 'ti-fgsm', 'si-fgsm', 'vmi-fgsm'];

describe('every attack of the registry', () => {
  for (const [name, create] of Object.entries(attacks)) {
    const { norms, budget } = catalogue[name]!;
    // Attacks that take any threat model are tried on balls; what is special about masks is in the threat models.
    // Descendants of MI-FGSM share its loop, which is tried on all.
    const tried = DESCENDANTS.includes(name) ? norms.slice(0, 1) : norms.length > 4 ? norms.filter((norm) => ['Linf', 'L2', 'L1'].includes(norm)) : norms;
    const threats = tried.map((norm) => threatNamed(norm, EPS[norm]));
    const steps = Object.hasOwn(create().config, 'steps') && !['patch', 'framing', 'pixels'].includes(norms[0]!);
    attackConformance(name, (options) => create({ ...SMALL[name], ...options }), { describe, it, threats, named: threatNamed, steps, beyond: budget === 'minimum-norm' });
  }
});

describe('an attack for any threat model', () => {
  const threats = (['L0', 'patch', 'framing', 'pixels'] as const).map((norm) => threatNamed(norm, EPS[norm]));
  attackConformance('pgd', (options) => attacks['pgd']!({ steps: 4, ...options }), { describe, it, threats, named: threatNamed });
});
