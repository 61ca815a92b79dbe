export { compareEntries, type EntryWithExamples, type PairedDifference } from './compare.ts';
export {
  type Accuracy, type Entry, type EntryAbout, type EntryAttack, type EntryEvaluation, entryFromJson, entryJsonSchema, entrySchema,
} from './entry.ts';
export { type DatasetEvaluationOptions, type Evaluated, evaluateDataset } from './evaluate-dataset.ts';
export { datasetOfImages, evaluate, type EvaluateOptions, type ImagesOptions } from './evaluate.ts';
export { checkClasses, type Examples, type Images, type Labels, readExamples } from './examples-input.ts';
export type { SubjectModule, SubjectSource } from './engine/replica-setup.ts';
export { type ExampleRecord, examplesFromJsonl, examplesToJsonl } from './examples.ts';
export type { CurveOptions, EvaluationOptions, NamedAttack } from './options.ts';
export type { EvaluationProgress } from './progress.ts';
export { type Refusal, refusalsOf } from './refusals.ts';
export type { SanityCheck, SanityStatus } from './sanity/check.ts';
export type { Evaluable, Predictor } from './subject.ts';
export { wilson } from './wilson.ts';
export { readEvaluation, storeEvaluation, type StoredEvaluation, type StoreOptions } from './stored-files.ts';
export { SUITES, type Suite, suiteNamed } from './suites.ts';
export { verifyEvaluation, type VerifyOptions } from './verify.ts';
export type { Verified } from './verify/verified.ts';
