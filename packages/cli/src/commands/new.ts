import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RobustError } from '@robustjs/core';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { repositoryOf } from '../repository.ts';
import { usage } from '../usage.ts';

const TEMPLATE = fileURLToPath(new URL('../../template/plugin', import.meta.url));
// The method's id in camel case becomes a function's name.
const RESERVED = /^(arguments|await|break|case|catch|class|const|continue|debugger|default|delete|do|else|enum|eval|export|extends|false|finally|for|function|if|implements|import|in|instanceof|interface|let|new|null|package|plugin|private|protected|public|return|static|super|switch|this|throw|true|try|typeof|var|void|while|with|yield|options)$/;

/** `robustjs new plugin`. */
export async function newPlugin(name: string, { out }: { readonly out?: string }, context: Context): Promise<number> {
  checkName(name);
  const root = repositoryOf(context.cwd);
  const folder = resolve(context.cwd, out ?? (root === undefined ? name : join(root, 'plugins', name)));
  await claim(folder);
  const files = await filesOf(name, root !== undefined);
  for (const [path, content] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  const inside = root !== undefined && dirname(folder) === join(root, 'plugins');
  if (inside) await addReferences(root, name);
  const next = inside
    ? ['npm install', `npx vitest run --project ${name}`]
    : [`cd ${relative(context.cwd, folder) || '.'}`, 'npm install', 'npm test'];
  context.line(`Wrote ${files.length} files to ${relative(context.cwd, folder) || '.'}. Its tests pass as it stands:`);
  for (const command of next) context.line(`  ${command}`);
  context.result({ folder, files: files.map(([path]) => path), next });
  return exitCodes.ok;
}

function checkName(name: string): void {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name) || RESERVED.test(camel(name))) {
    throw usage('a plugin id of lower-case words joined by hyphens, no word of the language', JSON.stringify(name), 'for example: my-method');
  }
}

/** Makes the folder, which must not hold anything yet. */
async function claim(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  if ((await readdir(folder)).length > 0) {
    throw new RobustError('RJS_FILE', { expected: `an empty folder at ${folder}`, got: 'one with files', fix: 'choose another name, or pass --out' });
  }
}

/** The template's files by path, filled in. The repository and the world outside have configurations of their own. */
async function filesOf(name: string, inRepository: boolean): Promise<[path: string, content: string][]> {
  const own = inRepository ? 'repository' : 'outside';
  const templates = (await readdir(TEMPLATE, { recursive: true })).filter((path) => path.endsWith('.tmpl')).map((path) => path.replaceAll('\\', '/')).sort();
  const used = templates.filter((path) => path.startsWith(`${own}/`) || /^(src|test)\//.test(path));
  return Promise.all(
    used.map(async (path): Promise<[string, string]> => [targetOf(path, name), fill(await readFile(join(TEMPLATE, path), 'utf8'), name)]),
  );
}

const targetOf = (path: string, name: string): string =>
  path
    .replace(/\.tmpl$/, '')
    .replace(/^(repository|outside)\/(.*\.test\.ts)$/, 'test/$2')
    .replace(/^(repository|outside)\//, '')
    .replace(/(^|\/)name\./, `$1${name}.`);

const fill = (text: string, name: string): string =>
  text.replaceAll('{{name}}', name).replaceAll('{{camel}}', camel(name)).replaceAll('{{Pascal}}', pascal(name));

const pascal = (name: string): string => name.split('-').map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');

const camel = (name: string): string => pascal(name).replace(/^./, (first) => first.toLowerCase());

/** Makes the repository's type check see the plugin. */
async function addReferences(root: string, name: string): Promise<void> {
  const path = join(root, 'tsconfig.json');
  const config = JSON.parse(await readFile(path, 'utf8')) as { references: { path: string }[] };
  for (const reference of [`plugins/${name}`, `plugins/${name}/tsconfig.test.json`]) {
    if (!config.references.some((known) => known.path === reference)) config.references.push({ path: reference });
  }
  await writeFile(path, `${JSON.stringify(config, null, 2)}\n`);
}
