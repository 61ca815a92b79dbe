import { type BenchmarkParts, type DatasetId, openDataset, take } from '@robustjs/datasets';
import type { MetricDataRecipe } from '../metric-recipe.ts';
import type { DataRecipe } from '../recipe.ts';
import { disjointParts } from './disjoint-data.ts';

// Samples are drawn with one seed for everyone, so that runs with other seeds see the same examples.
const SAMPLE_SEED = 0;

/** What {@link openData} reports and obeys. */
export interface OpenDataOptions {
  /** Bytes of a download so far. */
  readonly onProgress?: (progress: { readonly received: number; readonly total?: number }) => void;
  /** Stops a download. */
  readonly signal?: AbortSignal;
}

/**
 * The data of a recipe: training and validation examples cut to the counts it asks for, and the whole test part; where it names
 * classes, parts with no class in common out of the data set's training examples. The same for every seed.
 *
 * @throws RobustError `RJS_DATA_ID`, `RJS_DATA_MISSING` and the other errors of the data sets, `RJS_DATA_CLASSES`.
 */
export async function openData(recipe: DataRecipe | MetricDataRecipe, options: OpenDataOptions = {}): Promise<BenchmarkParts> {
  const { id, dataDir, train, validation } = recipe;
  const asked = { ...options, id: id as DatasetId, ...(dataDir !== undefined && { dataDir }) };
  if ('classes' in recipe) return disjointParts((await openDataset({ ...asked, validation: 0, test: 0 })).train, recipe);
  const parts = await openDataset(asked);
  return {
    train: train === undefined ? parts.train : take(parts.train, train, SAMPLE_SEED),
    validation: validation === undefined ? parts.validation : take(parts.validation, validation, SAMPLE_SEED),
    test: parts.test,
  };
}
