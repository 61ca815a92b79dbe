import { MAIN, type Model, type NamedVariable, one, randomStream, RobustError, type Route } from '@robustjs/core';
import { architectures, buildNetwork, type Network, standardKit } from '@robustjs/nn';
import { z } from 'zod';
import type { Recipe } from '../recipe.ts';
import type { LoadedMethod } from './method.ts';

const widths = z.array(z.int().min(1)).min(1).optional();
const normalization = z.strictObject({ mean: z.array(z.number()), std: z.array(z.number().positive()) }).optional();

const optionSchemas = {
  'small-cnn': z.strictObject({ widths, normalization }),
  resnet: z.strictObject({ blocks: z.int().min(1).optional(), widths, preActivation: z.boolean().optional(), normalization }),
};

/** What the data ask of a network. */
export interface DataShape {
  /** Shape of one input, without the batch axis; channels last. */
  readonly inputShape: readonly number[];
  /** Number of classes. */
  readonly classes: number;
}

/** A network as a recipe describes it, with its initial weights. */
export interface BuiltModel {
  readonly network: Network;
  /** What is deployed: the network, wrapped where the method says so. */
  readonly model: Model;
  /** The branch that is deployed. */
  readonly deployedRoute: Route;
}

/**
 * Builds the network of a recipe out of the method's kit. Initial weights follow from the recipe's seed alone. Besides
 * the architecture's own options, `normalization: { mean, std }` by channel is taken.
 *
 * @throws RobustError `RJS_ARCHITECTURE` for options that the architecture does not take, `RJS_BRANCH` when the method
 * deploys a branch that its network does not have.
 */
export function buildModel(recipe: Recipe, { inputShape, classes }: DataShape, { id, defense }: LoadedMethod): BuiltModel {
  const { normalization: scaling, ...options } = parseOptions(recipe.architecture, inputShape.at(-1) ?? 0);
  const kit = standardKit(randomStream(recipe.seed).split('init'));
  const network = buildNetwork(architectures[recipe.architecture.id]({ inputShape, classes, ...options }), {
    kit: defense.kit?.(kit) ?? kit,
    inputShape,
    ...(scaling && { normalization: scaling }),
  });
  let model: Model = network;
  try {
    model = defense.wrap?.(network) ?? network;
    const branch = defense.deploys ?? MAIN;
    if (model.branches.includes(branch)) return { network, model, deployedRoute: one(branch) };
    throw new RobustError('RJS_BRANCH', { expected: `${id} to deploy a branch among ${model.branches.join(', ')}`, got: JSON.stringify(branch), fix: "correct the method's 'deploys'" });
  } catch (error) {
    network.dispose();
    model.dispose();
    throw error;
  }
}

/** Everything that training moves in a network and what a method wraps around it. */
export function variablesOf({ network, model }: BuiltModel): { parameters: NamedVariable[]; buffers: NamedVariable[] } {
  // A wrapper may have parameters of its own, such as a selector's.
  return { parameters: unique([...network.parameters, ...model.parameters]), buffers: unique([...network.buffers, ...model.buffers]) };
}

const unique = (variables: readonly NamedVariable[]): NamedVariable[] => [...new Map(variables.map((named) => [named.variable, named])).values()];

type ArchitectureOptions = { widths?: number[]; blocks?: number; preActivation?: boolean; normalization?: { mean: number[]; std: number[] } };

function parseOptions({ id, options }: Recipe['architecture'], channels: number): ArchitectureOptions {
  const result = optionSchemas[id].safeParse(options);
  if (!result.success) {
    const [issue] = result.error.issues;
    throw badArchitecture(`options of ${id}${issue?.path.length ? ` with a valid '${issue.path.join('.')}'` : ''}`, issue?.message ?? 'others', result.error);
  }
  const { normalization: scaling } = result.data;
  if (scaling !== undefined && (scaling.mean.length !== channels || scaling.std.length !== channels)) {
    throw badArchitecture(`a mean and a std for each of ${channels} channels`, `${scaling.mean.length} and ${scaling.std.length}`);
  }
  // The schema leaves out what is absent, so no option is present and undefined.
  return result.data as ArchitectureOptions;
}

const badArchitecture = (expected: string, got: string, cause?: unknown): RobustError =>
  new RobustError('RJS_ARCHITECTURE', { expected, got, fix: 'correct architecture.options in the recipe', cause });
