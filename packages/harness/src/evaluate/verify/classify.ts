import type { Branch, Model } from '@robustjs/core';
import { tensor } from '@tensorflow/tfjs-core';
import { passOf } from '../engine/attack-task.ts';
import { outputsOf } from '../outputs.ts';

/** Predicted classes of so many inputs, one after another. */
export type Classify = (values: Float32Array, count: number) => Promise<Int32Array>;

/** Classifies in batches. */
export const classifier = (model: Model, branch: Branch, batchSize: number): Classify => async (values, count) => {
  const size = values.length / Math.max(1, count);
  const pass = passOf({ route: { kind: 'one', branch }, seed: 0 }, 'verify');
  const classes = new Int32Array(count);
  for (let start = 0; start < count; start += batchSize) {
    const rows = Math.min(batchSize, count - start);
    const inputs = tensor(values.slice(start * size, (start + rows) * size), [rows, ...model.inputShape]);
    classes.set((await outputsOf(model, pass, inputs)).classes, start);
    inputs.dispose();
  }
  return classes;
};
