import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { keptFor } from './kept-weights.ts';
import type { NativeFunctions } from './module.ts';
import { endsInProduct, NOTHING, pack, type PackedEnding, packedSize } from './multiply.ts';
import { address } from './scratch.ts';

/** What a linear layer ends with: a bias, one value a channel, then a ReLU. */
export interface Ending {
  readonly bias?: TensorInfo | undefined;
  readonly rectified?: boolean;
}

/** The part of an ending that a product with this many columns does before it stores its sums; the rest is left to {@link finish}. */
export function packedEnding(native: NativeFunctions, backend: BackendWasm, columns: number, { bias, rectified = false }: Ending): PackedEnding {
  if (!endsInProduct(columns)) return NOTHING;
  if (bias === undefined) return { bias: 0, rectified };
  const one = { at: address(backend, bias), rows: 1, rowStep: 0, columnStep: 4 };
  return { bias: keptFor(backend, bias, 'bias', packedSize(1, columns), (to) => pack(native, [one], columns, to)), rectified };
}

const ADD = 0;

/** An ending in place of values that no product has ended. */
export function finish(native: NativeFunctions, backend: BackendWasm, y: TensorInfo, { bias, rectified }: Ending): void {
  const [at, size] = [address(backend, y), util.sizeFromShape(y.shape)];
  const channels = y.shape.at(-1)!;
  if (bias !== undefined) native.binary(ADD, 1, size / channels, channels, at, address(backend, bias), at);
  if (rectified === true) native.relu(at, at, size);
}
