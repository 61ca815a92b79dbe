import { tensor1d, tensor2d, type Tensor, type Tensor1D, type Tensor2D } from '@tensorflow/tfjs-core';

/** Unit vectors at these angles in degrees. */
export const unitRows = (degrees: readonly number[]): number[][] => degrees.map((angle) => [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)]);

/** Rows and labels of a reference batch. */
export interface Batch {
  readonly degrees: readonly number[];
  readonly labels: readonly number[];
}

export const A: Batch = { degrees: [0, 70, 50, 130, 110, 250], labels: [0, 0, 1, 1, 2, 2] };
export const B: Batch = { degrees: [0, 11, 60, 47, 72, 130, 118, 200, 213], labels: [0, 0, 0, 1, 1, 1, 2, 2, 2] };
export const D: Batch = { degrees: [0, 5, 120, 124, 240, 243], labels: [0, 0, 1, 1, 2, 2] };
export const E: Batch = { degrees: [0, 5, 120, 150, 140, 175], labels: [0, 0, 1, 1, 2, 2] };
export const PROXIES: readonly number[] = [20, 100, 200];

/** The tensors of a batch; the caller disposes. */
export function tensors({ degrees, labels }: Batch): { embeddings: Tensor2D; labels: Tensor1D } {
  return { embeddings: tensor2d(unitRows(degrees)), labels: tensor1d([...labels], 'int32') };
}

export const proxies = (degrees = PROXIES): Tensor => tensor2d(unitRows(degrees));

/** Triplets from triples. */
export const triplets = (triples: readonly (readonly [number, number, number])[]) => ({
  anchors: Int32Array.from(triples, ([a]) => a),
  positives: Int32Array.from(triples, ([, p]) => p),
  negatives: Int32Array.from(triples, ([, , n]) => n),
});
