import type { NamedVariable } from '@robustjs/core';
import { type Tensor, tensor, tidy } from '@tensorflow/tfjs-core';

/** Shared memory for so many values of 32 bits. */
export const sharedWords = (count: number): SharedArrayBuffer => new SharedArrayBuffer(4 * count);

/** Number of values of all variables together. */
export const sizeOf = (variables: readonly NamedVariable[]): number => variables.reduce((sum, { variable }) => sum + variable.size, 0);

/** The values of variables in a stretch of shared memory that begins at value `start`. */
export function partsOf(memory: SharedArrayBuffer, variables: readonly NamedVariable[], start = 0): Float32Array<SharedArrayBuffer>[] {
  let at = start;
  return variables.map(({ variable: { size } }) => {
    const part = new Float32Array(memory, 4 * at, size);
    at += size;
    return part;
  });
}

/** Writes tensors into shared memory; one that is absent is left out. */
export async function store(tensors: readonly (Tensor | undefined)[], parts: readonly Float32Array[]): Promise<void> {
  await Promise.all(tensors.map(async (value, i) => value !== undefined && parts[i]!.set((await value.data()) as Float32Array)));
}

/** Sets variables from shared memory. */
export function load(variables: readonly NamedVariable[], parts: readonly Float32Array[]): void {
  variables.forEach(({ variable }, i) => tidy(() => variable.assign(tensor(parts[i]!, variable.shape))));
}
