import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import type { Bounds, Model, Route } from '@robustjs/core';
import { aboutOf, type EntryAbout, loadNetwork, type Recipe } from '@robustjs/harness';
import type { OpenedModel, OpenOptions } from '@robustjs/interop';
import { readBytes } from './read.ts';
import { repositoryOf, resultsFolder } from './repository.ts';
import { checkName, packagesFor } from './untrusted.ts';
import { nearest, usage } from './usage.ts';

/** A network to evaluate or attack: one of ours, or one from elsewhere. */
export interface Subject {
  /** Name for records and files. */
  readonly id: string;
  readonly evaluable: Model | OpenedModel;
  readonly model: Model;
  /** The branch that is deployed; absent for foreign models. */
  readonly route?: Route;
  readonly bounds: Bounds;
  /** What it was trained with; absent for foreign models. */
  readonly recipe?: Recipe;
  readonly about: Partial<EntryAbout>;
  /** Versions of packages that loaded it, by name. */
  readonly versions?: Readonly<Record<string, string>>;
  /** What people must know of how it was loaded. */
  readonly remarks: readonly string[];
  /** Whether some gradient is a stand-in. */
  readonly approximateGradient?: boolean;
}

/**
 * Loads the network that the command line names. A runtime must have been started.
 *
 * @param name a file, the address of a model.json, or the name of an entry in benchmarks/results.
 * @param options what a network from elsewhere does not say of itself.
 * @param untrusted the name does not come from whoever runs the command: nothing that it stands for is fetched or run.
 */
export async function openNetwork(name: string, cwd: string, options: OpenOptions = {}, untrusted = false): Promise<Subject> {
  if (untrusted) checkName(name);
  if (/^https?:/.test(name) || /\.(json|m?js)$/.test(name)) return elsewhere(/^https?:/.test(name) ? name : resolve(cwd, name), options);
  const path = resolve(cwd, name);
  const file = name.endsWith('.safetensors') || existsSync(path) ? path : await publishedNetwork(name, cwd);
  if (!file.endsWith('.safetensors')) throw usage("a .safetensors file of ours, a model.json of TensorFlow.js, or a module that exports predict", file, 'networks lie in the networks folder of a run');
  const [given] = Object.keys(options);
  if (given !== undefined) throw usage('a network of ours to say itself what inputs it takes', given, 'leave the option out: it is for networks from elsewhere');
  const bytes = await readBytes(file, 'a network');
  return ours(bytes, untrusted ? packagesFor(bytes, name) : cwd);
}

async function ours(bytes: Uint8Array, cwd: string): Promise<Subject> {
  const { id, model, deployedRoute, recipe, method, training } = await loadNetwork(bytes, cwd);
  if (recipe.track === 'metric-learning') {
    model.dispose();
    throw usage('a network that classifies', `${id}, which gives embeddings`, 'robustjs bench --track metric-learning evaluates retrieval');
  }
  return { id, evaluable: model, model, route: deployedRoute, bounds: model.bounds, recipe, about: aboutOf(recipe, method, training), remarks: [] };
}

async function elsewhere(source: string, options: OpenOptions): Promise<Subject> {
  const [{ openModel }, { remarksOn }] = await Promise.all([import('@robustjs/interop'), import('./remarks.ts')]);
  const opened = await openModel(source, options);
  const { model, architecture, softmaxRemoved, preprocessing } = opened;
  return {
    id: nameOf(source),
    evaluable: opened,
    model,
    bounds: model.bounds,
    about: { architecture: softmaxRemoved ? `${architecture}, its softmax left out` : architecture, preprocessing },
    versions: { interop: (createRequire(import.meta.url)('@robustjs/interop/package.json') as { version: string }).version },
    remarks: remarksOn(opened, options.straightThrough),
    ...((options.straightThrough?.length ?? 0) > 0 && { approximateGradient: true }),
  };
}

// Every model that TF.js saves is called model.json: its folder says more.
function nameOf(path: string): string {
  const file = basename(path).replace(/\.(json|m?js)$/, '');
  const name = file === 'model' ? basename(dirname(path)) : file;
  return name.replaceAll(/[^\w-]+/g, '-') || 'model';
}

/** The file of a network that is published with the benchmark. */
async function publishedNetwork(name: string, cwd: string): Promise<string> {
  const root = repositoryOf(cwd);
  const files = root === undefined ? [] : await networkFiles(resultsFolder(root));
  const names = files.map((file) => basename(file, '.safetensors'));
  const index = names.indexOf(name);
  if (index >= 0) return files[index]!;
  const guess = nearest(name, names);
  const known = names.length === 0 ? 'a file (there is no benchmarks/results here)' : `a file, or an entry among ${names.join(', ')}`;
  throw usage(known, JSON.stringify(name), guess === undefined ? 'check the name; robustjs bench makes networks of your own' : `did you mean ${guess}?`);
}

async function networkFiles(results: string): Promise<string[]> {
  if (!existsSync(results)) return [];
  const files = await readdir(results, { recursive: true });
  return files.filter((file) => file.endsWith('.safetensors')).sort().map((file) => join(results, file));
}
