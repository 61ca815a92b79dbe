import type { Layer, Pass } from '@robustjs/core';
import { add, relu, type Tensor } from '@tensorflow/tfjs-core';

/** What comes after a layer and may be computed with it: a sum with another value, then a ReLU. */
export interface Following {
  readonly plus?: Tensor;
  readonly relu: boolean;
}

/** The same, one operation after the other. */
export function follow(x: Tensor, { plus, relu: rectified }: Following): Tensor {
  const sum = plus === undefined ? x : add(plus, x);
  return rectified ? relu(sum) : sum;
}

type Apply = (input: Tensor, pass: Pass, next: Following) => Tensor;

const together = new WeakMap<object, Apply>();

/** Notes how a layer is computed with what follows it; gives the layer. Kits and plugins know nothing of it. */
export function computedTogether<L extends object>(layer: L, apply: Apply): L {
  together.set(layer, apply);
  return layer;
}

/** How a layer is computed with what follows, if it was noted. */
export const togetherWith = (layer: object): Apply | undefined => together.get(layer);

/** A layer and what follows it, together where that was noted. */
export const applyWith = (layer: Layer, input: Tensor, pass: Pass, next: Following): Tensor =>
  together.get(layer)?.(input, pass, next) ?? follow(layer.apply(input, pass), next);
