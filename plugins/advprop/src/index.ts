export { ADVERSARIAL, advprop, type AdvpropOptions } from './advprop.ts';
export { plugin } from './plugin.ts';
