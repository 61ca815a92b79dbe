import type { Bounds, RandomStream } from '@robustjs/core';
import { add, dispose, matMul, reshape, sub, type Tensor, tensor3d, type Tensor3D, tidy, transpose } from '@tensorflow/tfjs-core';
import { imageAxes } from '../images.ts';

/** A linear map of each row, with its transpose for gradients. */
export interface RowTransform {
  forward(inputs: Tensor): Tensor;
  backward(gradient: Tensor): Tensor;
  dispose(): void;
}

/** How {@link resizedAndPadded} draws. */
export interface ResizeOptions {
  /** A row is transformed with this probability. */
  readonly probability: number;
  /** Smallest size as a share of the whole. */
  readonly share: number;
  readonly bounds: Bounds;
}

/**
 * Shrinks each row to a random size and pads it back at a random place, all frames of a row alike. Padding is 0, or the bound
 * nearest to it. As matrices, so that rows of different sizes share a batch, and the gradient is the transposed product.
 */
export function resizedAndPadded(inputs: Tensor, ids: ArrayLike<number>, random: RandomStream, { probability, share, bounds }: ResizeOptions): RowTransform {
  const { height, width } = imageAxes(inputs);
  const draws = Array.from(ids, (id) => random.split(id).uniform(4));
  const matrix = (size: number, place: 2 | 3): Tensor3D =>
    tensor3d(
      draws.flatMap((draw) => [...(draw[0]! < probability ? placed(size, smaller(size, share, draw[1]!), draw[place]!) : placed(size, size, 0))]),
      [draws.length, size, size],
    );
  const [down, across] = [matrix(height, 2), matrix(width, 3)];
  const [axisDown, axisAcross] = [inputs.rank - 3, inputs.rank - 2];
  const padding = Math.min(Math.max(0, bounds[0]), bounds[1]);
  return {
    forward: (x) => tidy(() => add(along(axisAcross, across, along(axisDown, down, sub(x, padding), false), false), padding)),
    backward: (g) => tidy(() => along(axisAcross, across, along(axisDown, down, g, true), true)),
    dispose: () => dispose([down, across]),
  };
}

/** A whole size from `[share * size, size)`. */
function smaller(size: number, share: number, u: number): number {
  const least = Math.max(1, Math.floor(share * size));
  return least + Math.floor(u * (size - least));
}

/** The matrix that resizes `size` values to `target` of them, bilinear with pixel centres, at a place chosen by `u`. */
function placed(size: number, target: number, u: number): Float32Array {
  const matrix = new Float32Array(size * size);
  const offset = Math.floor(u * (size - target + 1));
  for (let i = 0; i < target; i++) {
    const at = Math.max(0, ((i + 0.5) * size) / target - 0.5);
    const [first, weight] = [Math.floor(at), at - Math.floor(at)];
    matrix[(offset + i) * size + first]! += 1 - weight;
    matrix[(offset + i) * size + Math.min(first + 1, size - 1)]! += weight;
  }
  return matrix;
}

/** Multiplies one axis of each row by the row's own matrix. */
function along(axis: number, matrices: Tensor3D, x: Tensor, transposed: boolean): Tensor {
  const order = [0, axis, ...x.shape.map((_, i) => i).filter((i) => i !== 0 && i !== axis)];
  const moved = transpose(x, order);
  const product = matMul(matrices, reshape(moved, [moved.shape[0], moved.shape[1]!, -1]), transposed);
  return transpose(reshape(product, moved.shape), order.map((_, i) => order.indexOf(i)));
}
