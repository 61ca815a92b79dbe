import { type Batch, mean, type Model, type Route, type TrainingObjective, type TrainingTools } from '@robustjs/core';
import { crossEntropy } from '@robustjs/nn';
import { argMax, cast, equal, mean as meanOf, type Scalar } from '@tensorflow/tfjs-core';

/** Cross-entropy on the clean rows: what a step minimizes where a defense says nothing else. */
export function plainObjective(model: Model, { inputs, labels }: Batch, { updates }: TrainingTools, route: Route): TrainingObjective {
  return {
    loss(log) {
      const logits = model.forward(inputs, { train: true, route, updates });
      log('accuracy', meanOf<Scalar>(cast(equal(argMax(logits, 1), labels), 'float32')));
      return mean(crossEntropy(logits, labels));
    },
  };
}
