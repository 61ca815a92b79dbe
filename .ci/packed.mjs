// Packs every public package as npm would publish it, checks the packages, installs them into an empty folder outside
// the repository, and runs the README's library example there.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const work = process.argv[2];
const tarballs = join(work, 'tarballs');
const empty = join(work, 'empty');
mkdirSync(tarballs, { recursive: true });
mkdirSync(empty, { recursive: true });
const run = (command, args, options = {}) => execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], ...options });

const packages = ['packages', 'plugins']
  .flatMap((parent) => readdirSync(parent).map((name) => join(parent, name)))
  .map((folder) => ({ folder, manifest: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) }))
  .filter(({ manifest }) => !manifest.private);

const files = packages.map(({ folder, manifest }) => {
  const [{ filename }] = JSON.parse(run('npm', ['pack', '--json', '--pack-destination', tarballs], { cwd: folder }));
  const file = join(tarballs, filename);
  run('npx', ['publint', '--strict', file]);
  run('npx', ['attw', '--profile', 'esm-only', file]);
  console.log(`checked ${manifest.name}`);
  return file;
});

writeFileSync(join(empty, 'package.json'), JSON.stringify({ name: 'outside', private: true, type: 'module' }));
run('npm', ['install', '--no-audit', '--no-fund', ...files], { cwd: empty });

const layers = JSON.parse(readFileSync('package.json', 'utf8')).devDependencies['@tensorflow/tfjs-layers'];
run('npm', ['install', '--no-audit', '--no-fund', `@tensorflow/tfjs-layers@${layers}`], { cwd: empty });
for (const name of ['library', 'layers']) {
  const pattern = new RegExp(`<!-- example:${name} -->\\s*\`\`\`js\\n([\\s\\S]*?)\`\`\``);
  const [, example] = readFileSync('README.md', 'utf8').match(pattern) ?? [];
  if (!example) throw new Error(`README.md has no example after <!-- example:${name} -->`);
  writeFileSync(join(empty, `${name}.mjs`), example);
  console.log(run('node', [`${name}.mjs`], { cwd: empty }));
}
console.log(run('npx', ['robustjs', 'bench', '--tier', 'smoke', '--out', 'run'], { cwd: empty }));
