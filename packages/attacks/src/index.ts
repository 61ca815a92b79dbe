export { type AttackCost, type AttackFacts, catalogue, type Norm } from './catalogue.ts';
export { fgsm, type FgsmOptions, rfgsm, type RfgsmOptions } from './fgsm.ts';
export { miFgsm, type MiFgsmOptions } from './mi-fgsm.ts';
export { noise, type NoiseOptions } from './noise.ts';
export { crossEntropyObjective, marginObjective } from './objectives.ts';
export type { ObjectiveName } from './options.ts';
export { bim, type BimOptions, pgd, type PgdOptions } from './pgd.ts';
export { attacks } from './registry.ts';
export { l0 } from './threats/l0.ts';
