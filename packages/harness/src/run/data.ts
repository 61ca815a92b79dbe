import { type BenchmarkParts, type DatasetId, openDataset, take } from '@robustjs/datasets';
import type { DataRecipe } from '../recipe.ts';

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
 * The data of a recipe: training and validation examples cut to the counts it asks for, and the whole test part. The same
 * for every seed.
 *
 * @throws RobustError `RJS_DATA_ID`, `RJS_DATA_MISSING` and the other errors of the data sets.
 */
export async function openData(recipe: DataRecipe, options: OpenDataOptions = {}): Promise<BenchmarkParts> {
  const { id, dataDir, train, validation } = recipe;
  const parts = await openDataset({ ...options, id: id as DatasetId, ...(dataDir !== undefined && { dataDir }) });
  return {
    train: train === undefined ? parts.train : take(parts.train, train, SAMPLE_SEED),
    validation: validation === undefined ? parts.validation : take(parts.validation, validation, SAMPLE_SEED),
    test: parts.test,
  };
}
