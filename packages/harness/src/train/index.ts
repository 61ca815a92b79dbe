export { loadMethod, type LoadedMethod } from './method.ts';
export { buildModel, type BuiltModel, type DataShape } from './model.ts';
export { train } from './trainer.ts';
export type { CurvePoint, Trained, TrainingProgress, TrainOptions } from './types.ts';
