export { plugin } from './plugin.ts';
export { robustDml, type RobustDmlOptions } from './robust-dml.ts';
export type { Role } from './roles.ts';
