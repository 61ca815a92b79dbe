export { aboutOf } from './about.ts';
export { armName } from './arm-name.ts';
export { measureSpeed } from './calibrate.ts';
export { openData, type OpenDataOptions } from './data.ts';
export { secondsOf, type Speed, type Work, workOf } from './estimate.ts';
export type { RunEvent } from './events.ts';
export { writableFolder } from './files.ts';
export { type LoadedNetwork, loadNetwork } from './network-file.ts';
export { encodePng } from './png-file.ts';
export { type ArmOutcome, runAll, type RunAllOptions, type RunSummary } from './run-all.ts';
export { runRecipe, type RunRecipeOptions, stageOf } from './run-recipe.ts';
export { startRuntime } from './runtime.ts';
export {
  type AnyEntry, entriesIn, readEntry, readEntryWithExamples, readRetrievalEntry, retrievalEntriesIn, retrievalEntriesWithExamples, type StoredEntry, type StoredRetrievalEntry,
} from './store.ts';
export { disjointParts, relabeled } from './disjoint-data.ts';
export { metricLearning } from './metric-track.ts';
export { type Arm, imageClassification, type Tier, type Track, trackDocument, trackNamed, tracks } from './tracks.ts';
