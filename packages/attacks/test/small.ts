import { type ThreatModel, threatModel } from '@robustjs/core';
import { l0 } from '../src/index.ts';

/** Options that make an attack cheap enough to run often. */
export const SMALL: Readonly<Record<string, object>> = {
  'apgd-ce': { steps: 12 },
  'apgd-dlr': { steps: 12 },
  'apgd-t': { steps: 8 },
  noise: { draws: 20 },
  'hop-skip-jump': { queries: 60, probes: 5 },
  boundary: { queries: 60 },
  simba: { queries: 60 },
  nes: { queries: 60, samples: 10 },
  spsa: { queries: 60, samples: 10 },
  fab: { steps: 6 },
  'fab-t': { steps: 6 },
  cw: { binarySearchSteps: 4, steps: 20 },
  ead: { binarySearchSteps: 4, steps: 20 },
  ddn: { steps: 12 },
  fmn: { steps: 12 },
  'pgd-l0': { steps: 8, restarts: 2 },
};

/** Any threat model by name; core knows those of its own. */
export const threatNamed = (norm: string, eps: number): ThreatModel => (norm === 'L0' ? l0(eps) : threatModel(norm, eps));
