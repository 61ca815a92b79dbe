import type { ConvAxis } from '../kernels/conv-geometry.ts';

/** Axes of a window as the compiled kernels read them: five numbers each. */
export function axisTable(axes: readonly ConvAxis[]): Uint32Array {
  return Uint32Array.from(axes.flatMap(({ input, output, kernel, stride, before }) => [input, output, kernel, stride, before]));
}
