export { attackConformance, type AttackSettings } from './attack-conformance.ts';
export { expectClose, expectSameBits, type Numbers, numbersOf, type Tolerance } from './close.ts';
export { conformance, type ConformanceSettings, type TestFunctions } from './conformance.ts';
export { defenseConformance, type DefenseSettings } from './defense-conformance.ts';
export { expectPlainExport } from './export-conformance.ts';
export { finiteDifference, steepestWeights, type WeightPlace } from './finite-differences.ts';
export { expectNoLeak } from './leaks.ts';
export { binaryLinearModel, type LinearModel, linearModel, type LinearModelOptions } from './linear-model.ts';
export { quadraticModel } from './quadratic-model.ts';
export { changedNames, disturb, expectUnchanged, restore, snapshot, type StateSnapshot, variablesOf } from './state.ts';
export { attackReference, compareWithRecord, type ReferenceComparison, type ReferenceRun, type ReferenceRunOptions } from './compare-reference.ts';
export { type Reference, type ReferenceNetwork, referenceNetworks, type ReferenceRecord } from './reference.ts';
export { type OwnedBatch, rowsOf, tinyBatch } from './tiny-batch.ts';
export { tinyCnn, tinyNetworkFor, type TinyOptions, tinyResnet } from './tiny-cnn.ts';
export {
  descend, type LossAndGradients, lossAndGradients, lossOf, objectiveOf, type RecordedAttack, type RecordingTools, type ToolsOptions,
  trainingStep, trainingTools, withObjective,
} from './training.ts';
export { useWasm } from './use-wasm.ts';
