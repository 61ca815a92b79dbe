export * from './recipe.ts';
export type { LossRecipe, MetricDataRecipe, MetricRecipe, MetricTrainingRecipe, RetrievalRecipe } from './metric-recipe.ts';
export * from './train/index.ts';
export * from './evaluate/index.ts';
export * from './report/index.ts';
export * from './retrieval/index.ts';
export * from './run/index.ts';
