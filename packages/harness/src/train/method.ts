import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Defense, type DefensePlugin, RobustError } from '@robustjs/core';
import type { Options, Recipe } from '../recipe.ts';

/** A method as a recipe names it, ready to train with. */
export interface LoadedMethod {
  /** The plugin's id, or `standard`. */
  readonly id: string;
  /** Its npm package, or `standard`. */
  readonly package: string;
  /** Version of the package; of this one for `standard`. */
  readonly version: string;
  /** Absent for plain training. */
  readonly plugin?: DefensePlugin;
  /** The options in effect, defaults filled in. */
  readonly options: Options;
  readonly defense: Defense;
  /** Folder that the package was looked for in first, so that a thread finds the same one; absent: it was not loaded by name. */
  readonly from?: string;
}

/** The package name that stands for plain training on clean examples. */
const STANDARD = 'standard';

/**
 * Loads the method that a recipe names: an npm package (or a file, `./my-method.js`) that exports a defense as `plugin`,
 * or `standard`.
 *
 * @param from folder whose `node_modules` is looked into first. Default: the working folder.
 * @throws RobustError `RJS_METHOD` when there is no such plugin, `RJS_METHOD_OPTIONS` for options that it does not take,
 * and what its own `create` throws.
 */
export async function loadMethod(method: Recipe['method'], from: string = process.cwd()): Promise<LoadedMethod> {
  if (method.package === STANDARD) return standard(method.options, from);
  const file = resolve(method.package, from);
  const plugin = pluginOf(method.package, await importFile(method.package, file));
  const options = parseOptions(plugin, method.options);
  return {
    id: plugin.id,
    package: method.package,
    version: versionAbove(file),
    plugin,
    options: JSON.parse(JSON.stringify(options)) as Options,
    defense: plugin.create(options),
    from,
  };
}

function standard(options: Options, from: string): LoadedMethod {
  const [unknown] = Object.keys(options);
  if (unknown !== undefined) {
    throw new RobustError('RJS_METHOD_OPTIONS', { expected: 'no options for plain training', got: `'${unknown}'`, fix: 'remove it' });
  }
  return { id: STANDARD, package: STANDARD, version: versionAbove(fileURLToPath(import.meta.url)), options: {}, defense: {}, from };
}

/** Where the package's entry is: as the user's folder sees it, else as this package does. */
function resolve(name: string, from: string): string {
  const isPath = /^[./]/.test(name);
  const places = [join(from, 'index.js'), ...(isPath ? [] : [import.meta.url])];
  let cause: unknown;
  for (const place of places) {
    try {
      return createRequire(place).resolve(name);
    } catch (error) {
      cause ??= error;
    }
  }
  throw new RobustError('RJS_METHOD', {
    expected: `the method's package ${JSON.stringify(name)} to be installed`,
    got: `none in ${from} or above`,
    fix: `npm install ${name}`,
    cause,
  });
}

async function importFile(name: string, file: string): Promise<Record<string, unknown>> {
  try {
    return (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  } catch (cause) {
    throw new RobustError('RJS_METHOD', {
      expected: `${JSON.stringify(name)} to load`,
      got: cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause),
      fix: `npm install ${name} again, with the peer dependencies that it asks for`,
      cause,
    });
  }
}

function pluginOf(name: string, { plugin }: Record<string, unknown>): DefensePlugin {
  const { id, kind, options, create } = (plugin ?? {}) as Partial<DefensePlugin>;
  if (kind === 'defense' && typeof id === 'string' && typeof options?.parse === 'function' && typeof create === 'function') return plugin as DefensePlugin;
  throw new RobustError('RJS_METHOD', {
    expected: `${JSON.stringify(name)} to export a defense as 'plugin'`,
    got: plugin === undefined ? 'no such export' : `kind ${JSON.stringify(kind) ?? 'undefined'}`,
    fix: `npm install <pkg> of a method, such as @robustjs/pgd-at, and name that`,
  });
}

function parseOptions(plugin: DefensePlugin, options: Options): unknown {
  try {
    return plugin.options.parse(options);
  } catch (cause) {
    throw new RobustError('RJS_METHOD_OPTIONS', {
      expected: `options that ${plugin.id} takes: ${known(plugin)}`,
      got: issueOf(cause),
      fix: 'correct method.options in the recipe',
      cause,
    });
  }
}

function known(plugin: DefensePlugin): string {
  const { properties = {} } = plugin.options.toJSONSchema() as { properties?: object };
  return Object.keys(properties).join(', ') || 'none';
}

/** The first thing that a schema found wrong, in one line; zod's own message is JSON over many. */
function issueOf(error: unknown): string {
  const [issue] = (error as { issues?: { path: PropertyKey[]; message: string }[] }).issues ?? [];
  if (issue !== undefined) return `${issue.path.length > 0 ? `'${issue.path.join('.')}': ` : ''}${issue.message}`;
  return error instanceof Error ? error.message : String(error);
}

/** The version in the nearest package.json above a file. */
function versionAbove(file: string): string {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    try {
      const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version?: string };
      if (version !== undefined) return version;
    } catch {
      // No package.json here: look further up.
    }
    if (folder === dirname(folder)) return '0.0.0';
  }
}
