// Two facts about plugins and packages/core, a line a plugin: adding it changed nothing in core's sources, as git tells, and core
// neither builds nor is tested with it. A plugin that needs a change of core says so below, with the reason.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const CORE = 'packages/core/src';

// Seams that are open to every plugin, and came with one. `files` are those that its commits may have changed.
const EXCEPTIONS = {
  'robust-dml': {
    files: [`${CORE}/defense.ts`],
    reason: "TrainingAttack.batch: a training attack may take other rows than the step's batch",
  },
};
// The same, in a commit of its own just before the plugin's first: nothing to allow, but to be told.
const JUST_BEFORE = {
  mdprop: "tools.loss and the capability metric-learning (f1acc1f): a defense may leave the loss to the track",
};

const git = (...args) => execFileSync('git', ['-C', root, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
const asked = (...args) => {
  try {
    return git(...args);
  } catch {
    return undefined;
  }
};
const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';

/** The first commit that added something at a path; undefined: none did. */
const firstAdding = (path) => git('log', '--reverse', '--topo-order', '--no-renames', '--diff-filter=A', '--format=%H', '--', path).split('\n')[0] || undefined;

/** What adding a plugin did to core, and whether that may stand. */
function byHistory(id) {
  const [first, complete] = [firstAdding(`plugins/${id}`), firstAdding(`plugins/${id}/src/plugin.ts`)];
  if (first === undefined || complete === undefined) return { fine: true, says: 'not committed yet' };
  const before = asked('rev-parse', '--verify', '--quiet', `${first}^`) ?? EMPTY_TREE;
  const at = complete.slice(0, 7);
  if (git('ls-tree', before, '--', `${CORE}/`) === '') return { fine: true, says: `came with core itself (${at})` };
  const changed = git('diff', '--name-only', before, complete, '--', CORE).split('\n').filter(Boolean);
  const note = JUST_BEFORE[id] === undefined ? '' : `; just before: ${JUST_BEFORE[id]}`;
  if (changed.length === 0) return { fine: true, says: `changed no line of core (${at})${note}` };
  const { files = [], reason } = EXCEPTIONS[id] ?? {};
  const lines = git('diff', '--shortstat', before, complete, '--', CORE);
  const fine = changed.every((file) => files.includes(file));
  return { fine, says: `${lines} in core (${at}): ${changed.join(', ')}${fine ? `; ${reason}` : '; no exception in .ci/plugins-leave-core-alone.mjs says why'}` };
}

/** History is there in a full clone only: not in a shallow one, nor in an exported tree, wherever that lies. */
function history() {
  const top = asked('rev-parse', '--show-toplevel');
  if (top === undefined || realpathSync(top) !== realpathSync(root)) return false;
  return git('rev-parse', '--is-shallow-repository') === 'false' && asked('rev-parse', '--verify', '--quiet', 'HEAD') !== undefined;
}

const json = (path) => JSON.parse(readFileSync(path, 'utf8'));
const foldersIn = (folder) => readdirSync(join(root, folder), { withFileTypes: true }).filter((entry) => entry.isDirectory() && existsSync(join(root, folder, entry.name, 'package.json'))).map(({ name }) => join(folder, name));
const sourcesIn = (folder) => (existsSync(folder) ? readdirSync(folder, { recursive: true }).filter((name) => /\.[cm]?[jt]s$/.test(name)).map((name) => join(folder, name)) : []);

/** What a file imports, and what a tsconfig refers to. */
const imports = (file) => [...readFileSync(file, 'utf8').matchAll(/(?:\bfrom|\bimport|\bimport\(|"path":)\s*['"]([^'"]+)['"]/g)].map(([, name]) => name);

/** Plugins that core reaches: from its sources, its tests and its type-check, through whatever packages those need. */
function reachedFromCore() {
  const packages = new Map([...foldersIn('packages'), ...foldersIn('plugins')].map((folder) => [json(join(root, folder, 'package.json')).name, folder]));
  const todo = ['packages/core'];
  for (const folder of todo) {
    const own = json(join(root, folder, 'package.json'));
    const files = [...sourcesIn(join(root, folder, 'src')), ...(folder === 'packages/core' ? sourcesIn(join(root, folder, 'test')) : [])];
    const settings = ['tsconfig.json', ...(folder === 'packages/core' ? ['tsconfig.test.json'] : [])].map((name) => join(root, folder, name)).filter(existsSync);
    const named = [...Object.keys({ ...own.dependencies, ...own.devDependencies, ...own.peerDependencies }), ...files.flatMap(imports)].flatMap((name) => packages.get(name.split('/').slice(0, 2).join('/')) ?? []);
    const paths = [...files, ...settings].flatMap((file) => imports(file).filter((name) => name.startsWith('.')).map((name) => relative(root, join(dirname(file), name)).split('/').slice(0, 2).join('/')));
    for (const next of [...named, ...paths.filter((path) => [...packages.values()].includes(path))]) if (!todo.includes(next)) todo.push(next);
  }
  return todo.filter((folder) => folder.startsWith('plugins/')).map((folder) => folder.slice('plugins/'.length));
}

const known = history();
if (!known) console.log('no history: a shallow clone or an exported tree; only what core needs is looked at');
const reached = reachedFromCore();
let failed = false;
for (const id of foldersIn('plugins').map((folder) => folder.slice('plugins/'.length))) {
  const { fine, says } = known ? byHistory(id) : { fine: true, says: 'no history' };
  const needed = reached.includes(id);
  failed ||= !fine || needed;
  console.log(`${fine && !needed ? 'ok    ' : 'FAILED'} ${id}: ${says}; core, its tests and its type-check ${needed ? 'NEED it' : 'do without it'}`);
}
process.exitCode = failed ? 1 : 0;
