import { type Tensor, tensor, util } from '@tensorflow/tfjs-core';
import { RobustError } from './errors.ts';
import { deriveKey, type Key, word } from './hash.ts';
import { normalQuantile } from './normal.ts';

/**
 * A seeded random stream. It is a value: it holds a key and no position, so the same call gives the same numbers every
 * time, on every runtime. New numbers come from a new name: `stream.split('start', restart, step)`.
 */
export interface RandomStream {
  /** The stream with this name under this one; parts may be strings or numbers, and their order matters. */
  split(...name: readonly (string | number)[]): RandomStream;
  /** `count` draws from [0, 1), multiples of 2^-24, so exact in float32. */
  uniform(count: number): Float32Array;
  /** `count` standard normal draws. */
  normal(count: number): Float32Array;
  /** A uniformly shuffled 0 … count-1. */
  permutation(count: number): Int32Array;
  /** One row of draws from [0, 1) an example, `[ids.length, ...rowShape]`. A row depends on its id, not on its place. */
  uniformRows(ids: ArrayLike<number>, rowShape: readonly number[]): Tensor;
  /** One row of standard normal draws an example, `[ids.length, ...rowShape]`. A row depends on its id alone. */
  normalRows(ids: ArrayLike<number>, rowShape: readonly number[]): Tensor;
}

/**
 * A random stream from a seed.
 *
 * @param seed a safe integer.
 * @throws RobustError `RJS_SEED` when the seed is not a safe integer.
 */
export function randomStream(seed: number): RandomStream {
  if (!Number.isSafeInteger(seed)) {
    throw new RobustError('RJS_SEED', { expected: 'a whole number as seed', got: String(seed), fix: 'use 0, 1, 2, …' });
  }
  return streamOf(deriveKey([0x52627374, 0x4a53], seed));
}

function streamOf(key: Key): RandomStream {
  const rows = (fill: (rowKey: Key, out: Float32Array) => void, ids: ArrayLike<number>, rowShape: readonly number[]) => {
    const size = util.sizeFromShape([...rowShape]);
    const values = new Float32Array(ids.length * size);
    for (let row = 0; row < ids.length; row++) {
      fill(deriveKey(key, ids[row]!), values.subarray(row * size, (row + 1) * size));
    }
    return tensor(values, [ids.length, ...rowShape], 'float32');
  };
  return {
    split: (...name) => streamOf(name.reduce<Key>(deriveKey, key)),
    uniform: (count) => fillUniform(key, new Float32Array(count)),
    normal: (count) => fillNormal(key, new Float32Array(count)),
    permutation: (count) => permute(key, count),
    uniformRows: (ids, rowShape) => rows(fillUniform, ids, rowShape),
    normalRows: (ids, rowShape) => rows(fillNormal, ids, rowShape),
  };
}

function fillUniform(key: Key, out: Float32Array): Float32Array {
  for (let i = 0; i < out.length; i++) out[i] = (word(key, i) >>> 8) * 2 ** -24;
  return out;
}

function fillNormal(key: Key, out: Float32Array): Float32Array {
  for (let i = 0; i < out.length; i++) out[i] = normalQuantile((word(key, i) + 0.5) * 2 ** -32);
  return out;
}

// Fisher and Yates. The product of a 32-bit word and the count stays below 2^53, so the index is exact.
function permute(key: Key, count: number): Int32Array {
  const order = Int32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(word(key, i) * (i + 1) * 2 ** -32);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}
