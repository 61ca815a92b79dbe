import type { Model, Route } from '@robustjs/core';
import { RobustError } from '@robustjs/core';
import { decodeSafetensors, decodeWeights, type Network } from '@robustjs/nn';
import { z } from 'zod';
import { parseRecipe, publishable, type Recipe, recipeHash } from '../recipe.ts';
import { buildModel, type DataShape, loadMethod, type LoadedMethod, type Trained } from '../train/index.ts';

/** What the header of a network's file says. */
interface HeaderParts {
  readonly id: string;
  readonly recipe: Recipe;
  readonly method: LoadedMethod;
  readonly data: DataShape;
  readonly trained: Pick<Trained, 'steps' | 'gradientCalls'>;
}

const FORMAT = 'robustjs-network-1';

/** The header of a network's file: all it takes to build the network again, and to say how it was trained. */
export function networkHeader({ id, recipe, method, data, trained }: HeaderParts): Record<string, string> {
  const { inputShape, classes } = data;
  const { steps, gradientCalls } = trained;
  return {
    format: FORMAT,
    id,
    recipe: JSON.stringify(publishable(recipe)),
    recipeHash: recipeHash(recipe),
    method: JSON.stringify({ id: method.id, package: method.package, version: method.version }),
    shape: JSON.stringify({ inputShape, classes }),
    training: JSON.stringify({ steps, gradientCalls }),
  };
}

/** A network read from a file. The caller disposes `network`, and `model` too where a method wraps it. */
export interface LoadedNetwork {
  /** Name of the arm that it was trained in. */
  readonly id: string;
  readonly recipe: Recipe;
  readonly method: LoadedMethod;
  readonly network: Network;
  /** What is deployed. */
  readonly model: Model;
  readonly deployedRoute: Route;
  /** Number of classes. */
  readonly classes: number;
  /** How long it was trained. */
  readonly training: Pick<Trained, 'steps' | 'gradientCalls'>;
}

const count = z.int().nonnegative();
const shape = z.strictObject({ inputShape: z.array(z.int().positive()), classes: z.int().positive() });
const training = z.strictObject({ steps: count, gradientCalls: count });

/**
 * Builds the network that is stored in a safetensors file of ours, with the method that trained it.
 *
 * @param from folder that the method's package is looked for in first. Default: the working directory.
 * @throws RobustError `RJS_SAFETENSORS` for a damaged file, `RJS_NETWORK_FILE` for one without our header, `RJS_WEIGHTS`
 * where header and weights do not belong together, and what {@link loadMethod} throws.
 */
export async function loadNetwork(bytes: Uint8Array, from?: string): Promise<LoadedNetwork> {
  const { metadata } = decodeSafetensors(bytes);
  if (metadata['format'] !== FORMAT) throw foreign(metadata['format'] ?? 'a file without it');
  const recipe = parseRecipe(part(metadata, 'recipe', z.unknown()));
  const dataShape = part(metadata, 'shape', shape);
  const method = await loadMethod(recipe.method, from);
  const built = buildModel(recipe, dataShape, method);
  try {
    decodeWeights(built.model, bytes);
  } catch (error) {
    built.network.dispose();
    built.model.dispose();
    throw error;
  }
  return { id: metadata['id'] ?? method.id, recipe, method, ...built, classes: dataShape.classes, training: part(metadata, 'training', training) };
}

function part<T>(metadata: Readonly<Record<string, string>>, name: string, schema: z.ZodType<T>): T {
  try {
    return schema.parse(JSON.parse(metadata[name] ?? ''));
  } catch (cause) {
    throw foreign(`a header without a usable '${name}'`, cause);
  }
}

const foreign = (got: string, cause?: unknown): RobustError =>
  new RobustError('RJS_NETWORK_FILE', { expected: `weights that robustjs stored, with ${FORMAT} in their header`, got, fix: 'take a file from the networks folder of a run', cause });
