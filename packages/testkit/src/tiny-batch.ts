import { type Batch, type Model, randomStream } from '@robustjs/core';
import { add, clipByValue, gather, mul, tensor1d, tidy } from '@tensorflow/tfjs-core';

/** A batch with its own tensors. */
export interface OwnedBatch extends Batch {
  /** Releases inputs and labels. */
  dispose(): void;
}

/**
 * A batch of random inputs with random labels. Some values lie at the bounds, so that an attack that leaves them shows; ids
 * are spread out, so that an id mistaken for a place in the batch does.
 */
export function tinyBatch(model: Model, { count = 6, classes = 3, seed = 0 }: { count?: number; classes?: number; seed?: number } = {}): OwnedBatch {
  const random = randomStream(seed).split('batch');
  const ids = Int32Array.from({ length: count }, (_, i) => 100 + 7 * i);
  const [low, high] = model.bounds;
  const inputs = tidy(() =>
    clipByValue(add(mul(random.split('inputs').uniformRows(ids, model.inputShape), 1.1 * (high - low)), low - 0.05 * (high - low)), low, high),
  );
  const labels = Int32Array.from(random.split('labels').uniform(count), (u) => Math.floor(u * classes));
  return owned({ inputs, labels: tensor1d(labels, 'int32'), ids });
}

/** The rows of a batch in another order, or some of them. */
export function rowsOf(batch: Batch, places: readonly number[]): OwnedBatch {
  const indices = tensor1d([...places], 'int32');
  const inputs = gather(batch.inputs, indices);
  const labels = gather(batch.labels, indices);
  indices.dispose();
  return owned({ inputs, labels, ids: Int32Array.from(places, (place) => batch.ids[place]!) });
}

const owned = (batch: Batch): OwnedBatch => ({
  ...batch,
  dispose() {
    batch.inputs.dispose();
    batch.labels.dispose();
  },
});
