export { leaderboardTable, renderLeaderboardReadme } from './leaderboard.ts';
export type { RetrievalArmDetails, RetrievalReportInput } from './retrieval/arms.ts';
export { formatRetrievalTable, retrievalLeaderboard } from './retrieval/leaderboard.ts';
export { renderRetrievalReport } from './retrieval/render.ts';
export { renderReport } from './render-report.ts';
export { renderResultBlock } from './result-block.ts';
export { formatTable } from './text-table.ts';
export type { Picture, ReportInput, Timing } from './types.ts';
export { type PerformanceEntry, type PerformanceRecord, performanceTable, renderPerformance } from './performance.ts';
