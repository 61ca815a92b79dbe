import { availableParallelism } from 'node:os';
import { relative, resolve } from 'node:path';
import { RobustError } from '@robustjs/core';
import { imageClassification, loadMethod, parseRecipe, type Recipe } from '@robustjs/harness';
import type { Context } from '../context.ts';
import type { TrainFlags } from '../flags.ts';
import { findPlugins } from '../plugins.ts';
import { readJsonFile } from '../read.ts';
import { nearest, usage } from '../usage.ts';
import { runFolder } from './bench.ts';
import { runArms } from './run-arms.ts';

/** `robustjs train`. */
export async function train(file: string | undefined, flags: TrainFlags, context: Context): Promise<number> {
  const method = flags.method === undefined ? undefined : await packageOf(flags.method, context.cwd);
  const recipe = await recipeOf(file, { ...flags, ...(method !== undefined && { method }) }, context);
  await checkMethod(recipe, context.cwd);
  const id = nameOf(recipe);
  const outDir = resolve(context.cwd, flags.out ?? runFolder(id));
  context.line(`${id} on ${recipe.data.id}`);
  context.line(`folder   ${relative(context.cwd, outDir) || '.'}`);
  return runArms([{ id, recipe }], { outDir, workers: flags.workers ?? availableParallelism(), yes: flags.yes ?? false, estimate: recipe.tier !== 'smoke' }, context);
}

/** The package of a method that is named by its id or its package. */
async function packageOf(name: string, cwd: string): Promise<string> {
  const known = await findPlugins(cwd);
  const found = known.find((plugin) => plugin.package === name || plugin.method?.id === name);
  return found?.package ?? name;
}

/** Loads the method, so that what is wrong with it shows before anything is measured or written. */
async function checkMethod({ method }: Recipe, cwd: string): Promise<void> {
  try {
    await loadMethod(method, cwd);
  } catch (error) {
    const known = (await findPlugins(cwd)).flatMap((plugin) => [plugin.package, plugin.method?.id ?? []].flat());
    const guess = error instanceof RobustError && error.code === 'RJS_METHOD' ? nearest(method.package, known) : undefined;
    if (guess === undefined) throw error;
    throw usage('a method that is installed (see: robustjs list methods)', JSON.stringify(method.package), `did you mean ${guess}?`);
  }
}

async function recipeOf(file: string | undefined, flags: TrainFlags, { cwd }: Context): Promise<Recipe> {
  if ((file === undefined) === (flags.method === undefined)) {
    throw usage('a recipe file or --method', file === undefined ? 'neither' : 'both', 'for example: robustjs train --method @robustjs/pgd-at');
  }
  const base = file === undefined ? imageClassification.arms('small')[0]!.recipe : parseRecipe(await readJsonFile(resolve(cwd, file), 'a recipe'));
  const changed = changes(base, { ...flags, ...(file === undefined && { shards: flags.shards ?? defaultShards(flags.batchSize ?? base.training.batchSize) }) }, cwd);
  return parseRecipe(file === undefined || Object.keys(flags).some((name) => !['out', 'yes', 'workers'].includes(name)) ? { ...changed, tier: 'custom' } : changed);
}

// Four keep four cores busy, and 16 rows are enough for the statistics of a batch norm. It follows from the recipe alone: the
// number of shards is part of what determines the bits, the number of cores is not.
const defaultShards = (batchSize: number): number => Math.max(1, Math.min(4, Math.floor(batchSize / 16)));

function changes(base: Recipe, flags: TrainFlags, cwd: string): Recipe {
  const { data, architecture, training, method } = base;
  const otherData = flags.data !== undefined && flags.data !== data.id;
  return {
    ...base,
    // Counts belong to the data set that they were chosen for.
    data: {
      ...(otherData ? { id: flags.data } : data),
      ...(flags.dataDir !== undefined && { dataDir: resolve(cwd, flags.dataDir) }),
      ...(flags.examples !== undefined && { train: flags.examples }),
    },
    architecture: flags.architecture === undefined || flags.architecture === architecture.id ? architecture : { id: flags.architecture, options: {} },
    method: {
      package: flags.method ?? method.package,
      options: { ...(flags.method === undefined ? method.options : {}), ...flags.option },
    },
    training: {
      ...training,
      ...(flags.epochs !== undefined && { epochs: flags.epochs }),
      ...(flags.batchSize !== undefined && { batchSize: flags.batchSize }),
      ...(flags.learningRate !== undefined && { learningRate: flags.learningRate }),
      ...(flags.shards !== undefined && { shards: flags.shards }),
    },
    ...(flags.seed !== undefined && { seed: flags.seed }),
  };
}

/** The method's name as a file name, and the seed where it is not 0. */
function nameOf({ method, seed }: Recipe): string {
  const word = method.package.replace(/^@[^/]*\//, '').replace(/\.[cm]?js$/, '').replaceAll(/[^\w-]+/g, '-').replaceAll(/^-+|-+$/g, '');
  return seed === 0 ? word : `${word}-seed${seed}`;
}
