import { type Branch, type Model, type NamedVariable, RobustError } from '@robustjs/core';
import { tensor, tidy } from '@tensorflow/tfjs-core';
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from './safetensors.ts';

const variablesOf = (model: Model): readonly NamedVariable[] => [...model.parameters, ...model.buffers];

/**
 * All parameters and buffers of a model as a safetensors file.
 *
 * @param metadata strings for the header, such as the recipe that the weights come from.
 */
export async function encodeWeights(model: Model, metadata: Readonly<Record<string, string>> = {}): Promise<Uint8Array> {
  const tensors = new Map<string, StoredTensor>();
  for (const { name, variable } of variablesOf(model)) {
    tensors.set(name, { shape: variable.shape, values: Float32Array.from(await variable.data()) });
  }
  return encodeSafetensors({ tensors, metadata });
}

/**
 * Sets all parameters and buffers of a model from a safetensors file, or none where they do not fit.
 *
 * @returns the metadata of the file.
 * @throws RobustError `RJS_SAFETENSORS` for a damaged file, `RJS_WEIGHTS` for weights of another network.
 */
export const decodeWeights = (model: Model, bytes: Uint8Array): Readonly<Record<string, string>> => assignAll(model, bytes, (name) => name);

/**
 * Sets every branch of a model from the weights of the same network without branches, to go on training it with them. Statistics are copied with
 * scales and offsets: a branch that kept those it was built with would normalize its first inputs badly.
 *
 * @returns the metadata of the file.
 * @throws RobustError `RJS_SAFETENSORS` for a damaged file, `RJS_WEIGHTS` for weights of another network.
 */
export const decodeIntoBranches = (model: Model, bytes: Uint8Array): Readonly<Record<string, string>> => assignAll(model, bytes, (name) => name.replace(/@[^/]*\//, '/'));

/** Assigns to each variable what the file has under the name that `source` gives for its own. */
function assignAll(model: Model, bytes: Uint8Array, source: (name: string) => string): Readonly<Record<string, string>> {
  const { tensors, metadata } = decodeSafetensors(bytes);
  const variables = variablesOf(model).map(({ name, variable }) => ({ name: source(name), variable }));
  for (const { name, variable } of variables) {
    const stored = tensors.get(name);
    if (stored?.shape.join() !== variable.shape.join()) {
      throw misfit(`'${name}' of shape [${variable.shape.join(', ')}]`, stored ? `[${stored.shape.join(', ')}]` : 'none');
    }
  }
  const names = new Set(variables.map(({ name }) => name));
  const extra = [...tensors.keys()].find((name) => !names.has(name));
  if (extra !== undefined) throw misfit('weights of this network only', `'${extra}' besides`);
  for (const { name, variable } of variables) {
    tidy(() => variable.assign(tensor(tensors.get(name)!.values, variable.shape)));
  }
  return metadata;
}

/**
 * Copies parameters and statistics of one normalization branch onto another.
 *
 * @throws RobustError `RJS_BRANCH` when the model does not have both.
 */
export function copyBranch(model: Model, from: Branch, to: Branch): void {
  for (const branch of [from, to]) {
    if (!model.branches.includes(branch)) {
      throw new RobustError('RJS_BRANCH', {
        expected: `a branch among ${model.branches.join(', ')}`,
        got: JSON.stringify(branch),
        fix: 'name one that the network has',
      });
    }
  }
  const variables = variablesOf(model);
  const byName = new Map(variables.map(({ name, variable }) => [name, variable]));
  for (const { name, variable } of variables) {
    // A function, for a dollar sign in a branch's name would be read as a pattern.
    const source = byName.get(name.replaceAll(`@${to}/`, () => `@${from}/`));
    if (source !== undefined && source !== variable) variable.assign(source);
  }
}

const misfit = (expected: string, got: string): RobustError =>
  new RobustError('RJS_WEIGHTS', { expected, got, fix: 'build the network with the recipe in the file\'s header' });
