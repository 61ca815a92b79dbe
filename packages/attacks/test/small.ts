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
};
