export { featureAttack, type FeatureAttackOptions, meanDistance, type TargetedPart } from './feature-attack.ts';
export { MULTI, mdprop, type MdpropOptions, presets, SINGLE, UNADVERSARIAL } from './mdprop.ts';
export { plugin } from './plugin.ts';
