import { RobustError } from '@robustjs/core';
import type { NamedAttrMap, TensorInfo } from '@tensorflow/tfjs-core';

/*
 * What the kernels would misread: they take memory as float32 with channels last and do not look again.
 */

/** @throws RobustError `RJS_WASM_DTYPE` for an input that is not float32. */
export function assertFloats(kernelName: string, inputs: readonly (TensorInfo | undefined)[]): void {
  const other = inputs.find((tensor) => tensor !== undefined && tensor.dtype !== 'float32');
  if (other !== undefined) throw wrongType(kernelName, other.dtype);
}

/** The error for an input of that data type. */
export const wrongType = (kernelName: string, dtype: string): RobustError =>
  new RobustError('RJS_WASM_DTYPE', { expected: `float32 inputs of ${kernelName}`, got: dtype, fix: "tf.cast(x, 'float32') before it, and cast what comes out where needed" });

/** @throws RobustError `RJS_WASM_LAYOUT` where channels do not stand last. */
export function assertChannelsLast({ dataFormat }: NamedAttrMap): void {
  if (dataFormat === undefined || dataFormat === 'NHWC' || dataFormat === 'NDHWC') return;
  throw new RobustError('RJS_WASM_LAYOUT', {
    expected: 'data with channels last (NHWC, NDHWC)',
    got: JSON.stringify(dataFormat),
    fix: 'tf.transpose(x, [0, 2, 3, 1]) before the op, and [0, 3, 1, 2] after it',
  });
}

/** @throws RobustError `RJS_WASM_GRADIENT` where the op's filter is dilated otherwise than what is computed. */
export function assertDilations({ dilations }: NamedAttrMap, computed: readonly number[]): void {
  const given = [dilations ?? 1].flat() as number[];
  if (computed.every((dilation, axis) => (given[axis] ?? given[0]) === dilation)) return;
  throw withoutGradient('a dilated convolution', 'compute it on a backend that has one');
}

/** The error for a gradient that nobody has written. */
export const withoutGradient = (of: string, fix: string): RobustError =>
  new RobustError('RJS_WASM_GRADIENT', { expected: 'a gradient through ops that have one', got: `one through ${of}`, fix });
