import type { NamedVariable, RandomStream } from '@robustjs/core';
import type { Scalar, Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';

/** Triplets as positions in a batch: an anchor, another example of its class, and one of another class. All of one length. */
export interface Triplets {
  readonly anchors: Int32Array;
  readonly positives: Int32Array;
  readonly negatives: Int32Array;
}

/** What a loss compares. */
export interface EmbeddingBatch {
  /** `[N, d]`; losses that compare angles take them to be of length 1. */
  readonly embeddings: Tensor2D;
  /** Classes `[N]` int32. */
  readonly labels: Tensor1D;
  /** Chosen by a miner; absent: all that the batch has. */
  readonly triplets?: Triplets;
  /** What the loss trains beside the network, in the order that {@link EmbeddingLoss.parameters} gave. */
  readonly parameters?: readonly Tensor[];
}

/** Sizes that trained parts of a loss depend on. */
export interface LossSizes {
  /** Number of training classes. */
  readonly classes: number;
  /** Length of an embedding. */
  readonly dimensions: number;
}

/**
 * A loss over embeddings. Unlike a classifier's it is no mean of one value a row: what it compares are pairs, triplets or
 * rows with class vectors, and how it averages them is part of it.
 */
export interface EmbeddingLoss {
  /** Name in recipes and records. */
  readonly id: string;
  /** Everything that determines it, ready for JSON. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Makes what it trains beside the network, such as one vector a class; absent: nothing. The caller disposes. */
  parameters?(sizes: LossSizes, random: RandomStream): readonly NamedVariable[];
  /** The number to minimize. Inside TF.js's tape it does not throw; where nothing is to be compared it is 0 with zero gradients. */
  compute(batch: EmbeddingBatch): Scalar;
}

/** Chooses triplets by detached embeddings, row after row of length `dimensions`, and labels. */
export type Miner = (input: MinerInput) => Triplets;

/** What a miner sees. */
export interface MinerInput {
  readonly embeddings: Float32Array;
  readonly dimensions: number;
  readonly labels: Int32Array;
  readonly random: RandomStream;
}
