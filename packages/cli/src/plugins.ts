import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RobustError } from '@robustjs/core';
import { loadMethod, type LoadedMethod } from '@robustjs/harness';
import { repositoryOf } from './repository.ts';

/** A method that can be named in a recipe, or why it cannot be loaded. */
export interface FoundPlugin {
  readonly package: string;
  readonly method?: LoadedMethod;
  readonly problem?: string;
}

interface Manifest {
  readonly name?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

// Packages of ours that are built on core without being a method.
const FRAMEWORK = /^@robustjs\/(attacks|backend-.*|core|datasets|harness|nn|metric-learning|testkit|root)$/;

/** The methods that come with this command, those that the project of this folder depends on, and the repository's own. */
export async function findPlugins(cwd: string): Promise<FoundPlugin[]> {
  const names = new Set(['standard', ...(await dependenciesOf(ownManifest())), ...(await projectDependencies(cwd)), ...(await repositoryPlugins(cwd))]);
  const found = await Promise.all([...names].map((name) => load(name, cwd)));
  return found.filter((plugin) => plugin !== undefined).sort((a, b) => (a.package < b.package ? -1 : 1));
}

const ownManifest = (): string => join(dirname(fileURLToPath(import.meta.url)), '..', 'package.json');

async function dependenciesOf(manifest: string): Promise<string[]> {
  const { dependencies, devDependencies } = (await readManifest(manifest)) ?? {};
  return Object.keys({ ...dependencies, ...devDependencies });
}

async function projectDependencies(cwd: string): Promise<string[]> {
  for (let folder = cwd; ; folder = dirname(folder)) {
    const manifest = join(folder, 'package.json');
    if ((await readManifest(manifest)) !== undefined) return dependenciesOf(manifest);
    if (folder === dirname(folder)) return [];
  }
}

async function repositoryPlugins(cwd: string): Promise<string[]> {
  const root = repositoryOf(cwd);
  if (root === undefined) return [];
  const folders = await readdir(join(root, 'plugins'));
  const manifests = await Promise.all(folders.map((folder) => readManifest(join(root, 'plugins', folder, 'package.json'))));
  return manifests.flatMap((manifest) => manifest?.name ?? []);
}

async function load(name: string, cwd: string): Promise<FoundPlugin | undefined> {
  if (name !== 'standard' && !(await usesCore(name, cwd))) return undefined;
  try {
    return { package: name, method: await loadMethod({ package: name, options: {} }, cwd) };
  } catch (error) {
    if (error instanceof RobustError) return { package: name, problem: error.message };
    throw error;
  }
}

/** Whether an installed package is built on core, as methods are; told from its manifest, so nothing else is imported. */
async function usesCore(name: string, cwd: string): Promise<boolean> {
  if (FRAMEWORK.test(name)) return false;
  for (const place of [join(cwd, 'index.js'), import.meta.url]) {
    try {
      const manifest = await readManifest(createRequire(place).resolve(`${name}/package.json`));
      return manifest?.peerDependencies?.['@robustjs/core'] !== undefined && name !== 'robustjs';
    } catch {
      // Not to be seen from here, or it does not show its manifest: no method of ours does that.
    }
  }
  return name.startsWith('@robustjs/');
}

async function readManifest(path: string): Promise<Manifest | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Manifest);
}
