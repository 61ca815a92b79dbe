import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Bounds, Model, Route } from '@robustjs/core';
import { aboutOf, type EntryAbout, loadNetwork, type Predictor, type Recipe } from '@robustjs/harness';
import { readBytes } from './read.ts';
import { repositoryOf, resultsFolder } from './repository.ts';
import { nearest, usage } from './usage.ts';

/** A network to evaluate or attack: one of ours, or a tf.LayersModel. */
export interface Subject {
  /** Name for records and files. */
  readonly id: string;
  readonly evaluable: Model | Predictor;
  /** The branch that is deployed; absent for foreign models. */
  readonly route?: Route;
  readonly bounds: Bounds;
  /** What it was trained with; absent for foreign models. */
  readonly recipe?: Recipe;
  readonly about: Partial<EntryAbout>;
  /** What people must know of how it was loaded. */
  readonly remark?: string;
}

/**
 * Loads the network that the command line names. A runtime must have been started.
 *
 * @param name a file, or the name of an entry in benchmarks/results.
 */
export async function openNetwork(name: string, cwd: string): Promise<Subject> {
  const path = resolve(cwd, name);
  if (name.endsWith('.json')) return layersModel(path);
  const file = name.endsWith('.safetensors') || existsSync(path) ? path : await publishedNetwork(name, cwd);
  if (!file.endsWith('.safetensors')) throw usage("a .safetensors file of ours, or a tf.LayersModel's model.json", file, 'networks lie in the networks folder of a run');
  return ours(await readBytes(file, 'a network'), cwd);
}

async function ours(bytes: Uint8Array, cwd: string): Promise<Subject> {
  const { id, model, deployedRoute, recipe, method, training } = await loadNetwork(bytes, cwd);
  if (recipe.track === 'metric-learning') {
    model.dispose();
    throw usage('a network that classifies', `${id}, which gives embeddings`, 'robustjs bench --track metric-learning evaluates retrieval');
  }
  return { id, evaluable: model, route: deployedRoute, bounds: model.bounds, recipe, about: aboutOf(recipe, method, training) };
}

const SOFTMAX = 'Its final softmax is left out: attacks need logits, and the predictions are the same.';

async function layersModel(path: string): Promise<Subject> {
  const { loadModelFile } = await import('./layers-model.ts');
  const { model, withoutSoftmax } = await loadModelFile(path);
  const architecture = withoutSoftmax ? 'tf.LayersModel, its softmax left out' : 'tf.LayersModel';
  return { id: nameOf(path), evaluable: model, bounds: [0, 1], about: { architecture }, ...(withoutSoftmax && { remark: SOFTMAX }) };
}

// Every model that TF.js saves is called model.json: its folder says more.
function nameOf(path: string): string {
  const file = basename(path, '.json');
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
