import { util } from '@tensorflow/tfjs-core';

/**
 * Where the stretches of a block of a tensor begin, in order, and how many values each has: what follows the last axis that is
 * cut lies together.
 *
 * @param shape of the whole tensor.
 * @param begin the block's first place on each axis.
 * @param size its length on each axis.
 */
export function stretches(shape: readonly number[], begin: readonly number[], size: readonly number[]): { starts: Float64Array; stretch: number } {
  const strides = util.computeStrides([...shape]).concat(1);
  const cut = shape.reduce((last, length, axis) => (size[axis] !== length ? axis : last), 0);
  let starts = Float64Array.of(begin.reduce((sum, at, axis) => sum + at * strides[axis]!, 0));
  for (let axis = 0; axis < cut; axis++) {
    const [count, stride] = [size[axis]!, strides[axis]!];
    const next = new Float64Array(starts.length * count);
    starts.forEach((start, i) => {
      for (let step = 0; step < count; step++) next[i * count + step] = start + step * stride;
    });
    starts = next;
  }
  return { starts, stretch: util.sizeFromShape(size.slice(cut)) };
}
