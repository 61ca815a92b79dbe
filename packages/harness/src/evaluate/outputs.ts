import type { Model, Pass } from '@robustjs/core';
import { argMax, type Tensor, tidy } from '@tensorflow/tfjs-core';

/** What a model says to a batch. */
export interface Outputs {
  /** One row of logits an input. */
  readonly rows: readonly Float32Array[];
  /** Class of the largest logit, by the same operation that attacks are judged with; -1, no class, where a logit is not finite. */
  readonly classes: Int32Array;
}

/** One forward pass, read back. */
export async function outputsOf(model: Model, pass: Pass, inputs: Tensor): Promise<Outputs> {
  const { logits, classes } = tidy(() => {
    const outputs = model.forward(inputs, pass);
    return { logits: outputs, classes: argMax<Tensor>(outputs, 1) };
  });
  try {
    const values = Float32Array.from(await logits.data());
    const width = logits.shape[1]!;
    const rows = Array.from({ length: inputs.shape[0] }, (_, row) => values.subarray(row * width, (row + 1) * width));
    const largest = await classes.data();
    return { rows, classes: Int32Array.from(rows, (row, i) => (row.every(Number.isFinite) ? largest[i]! : -1)) };
  } finally {
    logits.dispose();
    classes.dispose();
  }
}
