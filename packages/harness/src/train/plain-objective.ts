import { type Batch, mean, type Model, type Route, type TrainingObjective, type TrainingTools } from '@robustjs/core';
import { crossEntropy } from '@robustjs/nn';
import { argMax, cast, equal, mean as meanOf, type Scalar } from '@tensorflow/tfjs-core';

/** What image classification minimizes. */
export const meanCrossEntropy: TrainingTools['loss'] = (logits, labels) => mean(crossEntropy(logits, labels));

/** The track's loss on the clean rows: what a step minimizes where a defense says nothing else. */
export function plainObjective(model: Model, { inputs, labels }: Batch, { updates, loss }: TrainingTools, route: Route): TrainingObjective {
  return {
    loss(log) {
      const logits = model.forward(inputs, { train: true, route, updates });
      log('accuracy', meanOf<Scalar>(cast(equal(argMax(logits, 1), labels), 'float32')));
      return loss(logits, labels);
    },
  };
}
