import { evaluation, type Model, type Route } from '@robustjs/core';
import { batches, type Dataset } from '@robustjs/datasets';
import { retrievalMetrics } from '@robustjs/metric-learning';
import { concat, dispose, type Tensor2D, zeros } from '@tensorflow/tfjs-core';

const BATCH = 256;

/** Embeddings of a data set in its order, `[N, d]`, in evaluation mode. The caller disposes. */
export async function embeddingsOf(model: Model, route: Route, dataset: Dataset): Promise<Tensor2D> {
  const parts: Tensor2D[] = [];
  try {
    for await (const { inputs, labels } of batches(dataset, { batchSize: BATCH })) {
      parts.push(model.forward(inputs, evaluation(route)) as Tensor2D);
      dispose([inputs, labels]);
    }
    return parts.length === 0 ? zeros([0, 0]) : concat(parts, 0);
  } finally {
    dispose(parts);
  }
}

/** Recall@1 among the examples of a data set, each a query that leaves itself out. */
export async function recallOn(model: Model, route: Route, dataset: Dataset): Promise<number> {
  const queries = await embeddingsOf(model, route, dataset);
  try {
    return (await retrievalMetrics({ queries, queryLabels: dataset.labels }, [1])).recall[1]!;
  } finally {
    queries.dispose();
  }
}
