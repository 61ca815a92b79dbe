import { type Bounds, MAIN, type Model, type NamedVariable } from '@robustjs/core';
import { namedVariable } from '@robustjs/nn';
import { add, matMul, type Tensor2D, tensor1d, tensor2d, tidy } from '@tensorflow/tfjs-core';

/** Options of {@link linearModel}. */
export interface LinearModelOptions {
  /** One row of weights a class, `[K][D]`. */
  readonly weights: readonly (readonly number[])[];
  /** One bias a class. Default zeros. */
  readonly bias?: readonly number[];
  /** Default [0, 1]. */
  readonly bounds?: Bounds;
}

/** A linear classifier, whose best attack is known in closed form. */
export interface LinearModel extends Model {
  /** Logits of one input, in double precision. */
  logits(input: readonly number[]): number[];
  /** Smallest distance from an input to a point of another class, box aside: min over k of (z_y - z_k) / ||w_y - w_k||_dual. */
  distance(input: readonly number[], label: number, norm: 'Linf' | 'L2' | 'L1'): number;
}

/** Logits `W x + b` of inputs `[N, D]`, with trainable weights and bias. */
export function linearModel({ weights, bias = weights.map(() => 0), bounds = [0, 1] }: LinearModelOptions): LinearModel {
  const size = weights[0]!.length;
  const columns = Array.from({ length: size }, (_, i) => weights.map((row) => row[i]!));
  const parameters: NamedVariable[] = [
    namedVariable('head/kernel', tensor2d(columns)),
    namedVariable('head/bias', tensor1d([...bias])),
  ];
  const [kernel, offset] = parameters.map(({ variable }) => variable);
  const logits = (input: readonly number[]): number[] => weights.map((row, k) => dot(row, input) + bias[k]!);
  return {
    inputShape: [size],
    bounds,
    branches: [MAIN],
    parameters,
    buffers: [],
    forward: (inputs) => tidy(() => add(matMul(inputs as Tensor2D, kernel as unknown as Tensor2D), offset!)),
    dispose: () => parameters.forEach(({ variable }) => variable.dispose()),
    logits,
    distance(input, label, norm) {
      const scores = logits(input);
      const distances = weights.map((row, k) =>
        k === label ? Infinity : (scores[label]! - scores[k]!) / dualLength(weights[label]!.map((w, i) => w - row[i]!), norm),
      );
      return Math.min(...distances);
    },
  };
}

/** Two classes: logits `[0, w.x + b]`, so the margin of class 1 is `w.x + b`. */
export function binaryLinearModel(weights: readonly number[], bias = 0, bounds: Bounds = [0, 1]): LinearModel {
  return linearModel({ weights: [weights.map(() => 0), weights], bias: [0, bias], bounds });
}

const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

function dualLength(weights: readonly number[], norm: 'Linf' | 'L2' | 'L1'): number {
  switch (norm) {
    case 'Linf':
      return weights.reduce((sum, w) => sum + Math.abs(w), 0);
    case 'L2':
      return Math.hypot(...weights);
    case 'L1':
      return Math.max(...weights.map(Math.abs));
  }
}
