export { queryAttack, type QueryAttack, queryAttackIds, type Scene, type SceneAttack } from './attacks.ts';
export type { BranchStatistic } from './branch-statistics.ts';
export {
  type BranchRecord, type Geometry, type RetrievalEntry, retrievalEntryFromJson, retrievalEntryJsonSchema, retrievalEntrySchema, type RetrievalEvaluation, type RetrievalScores,
} from './entry.ts';
export { type EvaluatedRetrieval, evaluateRetrieval, type RetrievalOptions } from './evaluate.ts';
export { type Gallery, galleryOf, retrievalLost, retrievalMargin } from './gallery.ts';
export type { PicturedNeighbor, Projection, RetrievalPicture } from './pictures.ts';
export type { QueryThreadOptions } from './query-threads.ts';
