import { availableParallelism } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { type Arm, armName, entriesIn, metricLearning, parseRecipe, recipeHash, retrievalEntriesIn, trackNamed } from '@robustjs/harness';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import type { BenchFlags } from '../flags.ts';
import { repositoryOf, resultsFolder } from '../repository.ts';
import { nearest, usage } from '../usage.ts';
import { runArms } from './run-arms.ts';

/** `robustjs bench`. */
export async function bench(flags: BenchFlags, context: Context): Promise<number> {
  const arms = await armsOf(flags, context);
  if (arms.length === 0) {
    context.line('Nothing is missing.');
    context.result({ out: null, report: null, arms: [], entries: [] });
    return exitCodes.ok;
  }
  const outDir = resolve(context.cwd, flags.out ?? runFolder(`${flags.track}-${flags.tier}`));
  context.line(`${flags.track}, tier ${flags.tier}: ${arms.map(({ id }) => id).join(', ')}`);
  context.line(`folder   ${relative(context.cwd, outDir) || '.'}`);
  return runArms(arms, {
    outDir,
    workers: flags.workers ?? availableParallelism(),
    yes: flags.yes ?? false,
    estimate: flags.tier !== 'smoke',
  }, context);
}

/** A new folder for a run in the working directory, named by time and content. */
export function runFolder(name: string, now: Date = new Date()): string {
  const time = now.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
  return join('robustjs-runs', `${time}-${name}`);
}

async function armsOf(flags: BenchFlags, { cwd }: Context): Promise<Arm[]> {
  const all = trackNamed(flags.track).arms(flags.tier, flags.seed, flags.data).map((arm) => withData(arm, flags.dataDir, cwd));
  const chosen = flags.only === undefined ? all : flags.only.map((name) => armNamed(all, name));
  if (flags.missing !== true) return chosen;
  const root = repositoryOf(cwd);
  const read = flags.track === metricLearning.id ? retrievalEntriesIn : entriesIn;
  const done = root === undefined ? [] : await read(join(resultsFolder(root), flags.track));
  const hashes = new Set(done.map(({ entry }) => entry.training?.recipeHash));
  return chosen.filter(({ recipe }) => !hashes.has(recipeHash(recipe)));
}

function armNamed(arms: readonly Arm[], name: string): Arm {
  const known = arms.map(({ recipe }) => shortName(recipe.method.package));
  // Where a method has several arms, its name alone says too little.
  const alone = arms.filter((_, i) => known[i] === name);
  const arm = arms.find(({ id }) => id === name || armName(id) === name) ?? (alone.length === 1 ? alone[0] : undefined);
  if (arm !== undefined) return arm;
  const names = [...new Set([...arms.map(({ id }) => id), ...known.filter((short) => known.filter((other) => other === short).length === 1)])];
  const guess = nearest(name, names);
  throw usage(`methods among ${names.join(', ')}`, JSON.stringify(name), guess === undefined ? 'name one of these' : `did you mean ${guess}?`);
}

const shortName = (name: string): string => name.slice(name.lastIndexOf('/') + 1);

function withData({ id, recipe }: Arm, dataDir: string | undefined, cwd: string): Arm {
  if (dataDir === undefined) return { id, recipe };
  return { id, recipe: parseRecipe({ ...recipe, data: { ...recipe.data, dataDir: resolve(cwd, dataDir) } }) };
}
