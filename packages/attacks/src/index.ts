export { apgdCe, apgdDlr, type ApgdOptions, apgdT, type ApgdTOptions } from './apgd/apgd.ts';
export { type AttackCost, type AttackFacts, catalogue, type Norm } from './catalogue.ts';
export { fab, type FabOptions, fabT, type FabTOptions } from './fab/fab.ts';
export type { FabConstants } from './fab/step.ts';
export { fgsm, type FgsmOptions, rfgsm, type RfgsmOptions } from './fgsm.ts';
export { miFgsm, type MiFgsmOptions } from './mi-fgsm.ts';
export { ddn, type DdnOptions } from './minimum-norm/ddn.ts';
export { fmn, type FmnOptions } from './minimum-norm/fmn.ts';
export { noise, type NoiseOptions } from './noise.ts';
export { crossEntropyObjective, dlrObjective, marginObjective, targetedDlrObjective } from './objectives.ts';
export type { ObjectiveName } from './options.ts';
export { bim, type BimOptions, pgd, type PgdOptions } from './pgd.ts';
export { attacks } from './registry.ts';
export { l0 } from './threats/l0.ts';
export { ensemble } from './transfer/ensemble.ts';
export {
  diFgsm, type DiFgsmOptions, niFgsm, siFgsm, type SiFgsmOptions, tiFgsm, type TiFgsmOptions, vmiFgsm, type VmiFgsmOptions,
} from './transfer/presets.ts';
export { transferFgsm, type TransferFgsmOptions } from './transfer/transfer-fgsm.ts';
