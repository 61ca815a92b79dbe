export type { GradientPath } from './gradient-path.ts';
export type { PredictModule } from './function.ts';
export { type OpenedModel, openModel, type OpenOptions } from './open-model.ts';
export type { Preprocessing } from './preprocessing.ts';
export { STRAIGHT_THROUGH } from './straight-through.ts';
