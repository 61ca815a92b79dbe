import type { Tensor } from '@tensorflow/tfjs-core';
import { canonicalJson } from '../recipe.ts';

/** SHA-256 of bytes, in hexadecimal. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** SHA-256 of text. */
export const textHash = (text: string): Promise<string> => sha256(new TextEncoder().encode(text));

/** SHA-256 of a value's canonical JSON. */
export const jsonHash = (value: unknown): Promise<string> => textHash(canonicalJson(value));

/** SHA-256 of float32 values as they lie in memory. */
export const valuesHash = (values: Float32Array): Promise<string> =>
  sha256(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));

/** SHA-256 of tensors in their order: shapes and values. */
export async function tensorsHash(tensors: readonly Tensor[]): Promise<string> {
  const parts: string[] = [];
  for (const tensor of tensors) {
    parts.push(`${tensor.shape.join()}:${await valuesHash(Float32Array.from(await tensor.data()))}`);
  }
  return textHash(parts.join('\n'));
}

/** SHA-256 of rows of values, row after row in the order of their ids, so that it does not depend on how they lie. */
export async function rowsHash(values: Float32Array, ids: ArrayLike<number>): Promise<string> {
  const size = values.length / Math.max(1, ids.length);
  const sorted = new Float32Array(values.length);
  const order = Array.from(ids, (_, row) => row).sort((a, b) => ids[a]! - ids[b]!);
  order.forEach((row, place) => sorted.set(values.subarray(row * size, (row + 1) * size), place * size));
  return valuesHash(sorted);
}
