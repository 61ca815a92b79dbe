import type { MinerInput, Triplets } from '../types.ts';

/** Distances and classes of a batch, as miners look at them. */
export interface Space {
  readonly size: number;
  distance(a: number, b: number): number;
  /** Other examples of the class of this one. */
  positives(anchor: number): number[];
  /** Examples of other classes. */
  negatives(anchor: number): number[];
}

/** The space of a miner's input. */
export function spaceOf({ embeddings, dimensions, labels }: MinerInput): Space {
  const all = Array.from(labels, (_, i) => i);
  return {
    size: labels.length,
    distance(a, b) {
      let squared = 0;
      for (let k = 0; k < dimensions; k++) squared += (embeddings[a * dimensions + k]! - embeddings[b * dimensions + k]!) ** 2;
      return Math.sqrt(squared);
    },
    positives: (anchor) => all.filter((i) => i !== anchor && labels[i] === labels[anchor]),
    negatives: (anchor) => all.filter((i) => labels[i] !== labels[anchor]),
  };
}

/** Triplets of triples. */
export function tripletsOf(triples: readonly (readonly [anchor: number, positive: number, negative: number])[]): Triplets {
  const column = (k: 0 | 1 | 2): Int32Array => Int32Array.from(triples, (triple) => triple[k]);
  return { anchors: column(0), positives: column(1), negatives: column(2) };
}

/** One of a list, by a draw from [0, 1). */
export const pickOne = <T>(list: readonly T[], draw: number): T => list[Math.min(list.length - 1, Math.floor(draw * list.length))]!;
