import type { Criterion, Model, Objective, Route } from '@robustjs/core';
import type { Dataset } from '@robustjs/datasets';
import {
  argMax, cast, equal, expandDims, gather, matMul, max, mul, notEqual, oneHot, square, sub, sum, type Tensor, type Tensor1D, tensor1d, type Tensor2D, tidy,
  transpose,
} from '@tensorflow/tfjs-core';
import { embeddingsOf } from '../train/recall.ts';

/** What queries are looked up in: clean embeddings of every example of a data set, through one branch. */
export interface Gallery {
  /** `[M, d]`, in the order of the data set. */
  readonly embeddings: Tensor2D;
  /** The same values, row after row. */
  readonly values: Float32Array;
  readonly dimensions: number;
  readonly labels: Int32Array;
  /** The labels, `[M]` int32. */
  readonly labelTensor: Tensor1D;
  /** Releases the tensors. */
  dispose(): void;
}

/** Embeds a data set through a branch. */
export async function galleryOf(model: Model, route: Route, dataset: Dataset): Promise<Gallery> {
  const embeddings = await embeddingsOf(model, route, dataset);
  const labelTensor = tensor1d(dataset.labels, 'int32');
  return {
    embeddings,
    values: Float32Array.from(await embeddings.data()),
    dimensions: embeddings.shape[1],
    labels: dataset.labels,
    labelTensor,
    dispose() {
      embeddings.dispose();
      labelTensor.dispose();
    },
  };
}

// Lower than any score of embeddings that a network gives.
const FAR = 1e9;

/**
 * Retrieval lost: the nearest other example is of another class. Goals are gallery rows: those of the queries' own clean copies, which are left
 * out by place, not by rank, so that a copy of another class still counts.
 */
export function retrievalLost({ embeddings, labelTensor }: Gallery): Criterion {
  return (outputs, goals) =>
    tidy(() => {
      const nearest = argMax<Tensor1D>(withoutOwn(scores(outputs, embeddings), goals), 1);
      return notEqual<Tensor1D>(gather(labelTensor, nearest), gather(labelTensor, goals as Tensor1D));
    });
}

/** By how much the nearest example of another class is nearer than the nearest of the query's own, in squared distance: above 0, retrieval is lost. */
export function retrievalMargin({ embeddings, labelTensor }: Gallery): Objective {
  return (outputs, goals) =>
    tidy(() => {
      const all = scores(outputs, embeddings);
      const same = cast(equal(expandDims(gather(labelTensor, goals as Tensor1D), 1), expandDims(labelTensor, 0)), 'float32');
      const others = max<Tensor1D>(sub(all, mul(same, FAR)), 1);
      const own = max<Tensor1D>(withoutOwn(sub(all, mul(sub(1, same), FAR)), goals), 1);
      return sub(others, own);
    });
}

/** `2 q.g - |g|^2` of each query and gallery row, `[N, M]`: the larger, the nearer. */
function scores(queries: Tensor, gallery: Tensor2D): Tensor2D {
  const lengths = transpose(sum<Tensor2D>(square(gallery), 1, true));
  return sub(mul(matMul(queries as Tensor2D, gallery, false, true), 2), lengths);
}

const withoutOwn = (all: Tensor2D, goals: Tensor): Tensor2D => sub(all, mul(cast(oneHot(goals as Tensor1D, all.shape[1]), 'float32'), FAR));
