import { type Model, type Route, throwIfAborted } from '@robustjs/core';
import { type Dataset, readBatch } from '@robustjs/datasets';
import { type Tensor, type Tensor1D } from '@tensorflow/tfjs-core';
import type { EvaluationProgress } from './progress.ts';

/** What every part of an evaluation works with. Rows are positions in the data set. */
export interface Context {
  readonly model: Model;
  readonly dataset: Dataset;
  readonly route: Route;
  readonly batchSize: number;
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: EvaluationProgress) => void) | undefined;
}

/** One batch of examples; it is disposed by {@link forBatches}. */
export interface Rows {
  /** Where the batch starts among the rows asked for. */
  readonly start: number;
  readonly inputs: Tensor;
  readonly labels: Tensor1D;
  readonly ids: Int32Array;
}

/** Which step to report progress as. */
export type Step = Pick<EvaluationProgress, 'part' | 'name' | 'eps'>;

/** Works through rows batch by batch. Between batches it lets the event loop run, so that signals and timers are served. */
export async function forBatches(context: Context, rows: Int32Array, step: Step, work: (batch: Rows) => Promise<void>): Promise<void> {
  const { dataset, batchSize, signal, onProgress } = context;
  for (let start = 0; start < rows.length; start += batchSize) {
    throwIfAborted(signal);
    const { inputs, labels, ids } = await readBatch(dataset, rows.subarray(start, start + batchSize));
    try {
      await work({ start, inputs, labels, ids });
    } finally {
      inputs.dispose();
      labels.dispose();
    }
    onProgress?.({ kind: 'evaluate', ...step, done: Math.min(start + batchSize, rows.length), total: rows.length });
    await new Promise<void>((resolve) => setTimeout(resolve, 0));
  }
}
