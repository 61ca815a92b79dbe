import { evaluation, type Model, type Route } from '@robustjs/core';
import { batches, type Dataset } from '@robustjs/datasets';
import { add, argMax, dispose, equal, scalar, sum, type Tensor, tidy } from '@tensorflow/tfjs-core';

const BATCH = 256;

/** Share of a data set that a model classifies right, in evaluation mode. One read in all. */
export async function accuracyOn(model: Model, route: Route, dataset: Dataset): Promise<number> {
  let correct: Tensor = scalar(0, 'int32');
  for await (const { inputs, labels } of batches(dataset, { batchSize: BATCH })) {
    const before = correct;
    correct = tidy(() => add(before, sum(equal(argMax(model.forward(inputs, evaluation(route)), 1), labels))));
    dispose([before, inputs, labels]);
  }
  const [count = NaN] = await correct.data();
  correct.dispose();
  return count / dataset.size;
}
