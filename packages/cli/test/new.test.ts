import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { finished, parsed, robustjs, ROOT, temporaryFolder } from './support.ts';

const run = (command: string, args: string[], cwd: string) => finished(spawn(join(ROOT, 'node_modules/.bin', command), args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, CI: '1' } }));

const text = (...path: string[]): string => readFileSync(join(...path), 'utf8');

describe('robustjs new plugin', () => {
  it('outside of the repository makes a package whose tests and types pass at once', async () => {
    const cwd = temporaryFolder();
    const { code, stdout } = await robustjs(['new', 'plugin', 'my-method', '--json'], cwd);
    expect(code).toBe(0);
    const { folder, files } = parsed<{ folder: string; files: string[] }>(stdout);
    expect(folder).toBe(join(cwd, 'my-method'));
    expect(files.filter((name) => name.startsWith('src/') || name.startsWith('test/'))).toEqual(['src/index.ts', 'src/my-method.ts', 'src/plugin.ts', 'test/my-method.test.ts']);
    for (const file of files) expect(text(folder, file)).not.toContain('{{');
    // What npm install would put there.
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    const tests = await run('vitest', ['run'], folder);
    expect(tests.code, tests.stdout + tests.stderr).toBe(0);
    expect(tests.stdout).toContain('2 passed');
    const types = await run('tsc', ['-p', '.'], folder);
    expect(types.code, types.stdout).toBe(0);
    expect(readdirSync(join(folder, 'dist'))).toContain('index.js');
  });

  it('in the repository makes a plugin that passes the conformance suite and is type-checked with the rest', async () => {
    // A repository in small: its root, its configuration, its packages.
    const root = temporaryFolder();
    mkdirSync(join(root, 'plugins'));
    writeFileSync(join(root, 'package.json'), '{ "name": "@robustjs/root", "type": "module" }');
    writeFileSync(join(root, 'tsconfig.json'), '{ "files": [], "references": [{ "path": "packages/core" }] }');
    for (const name of ['node_modules', 'tsconfig.base.json', 'packages']) symlinkSync(join(ROOT, name), join(root, name));
    const { code, stdout } = await robustjs(['new', 'plugin', 'my-method', '--json'], root);
    expect(code).toBe(0);
    const { folder, files } = parsed<{ folder: string; files: string[] }>(stdout);
    expect(folder).toBe(join(root, 'plugins', 'my-method'));
    expect(files).toContain('test/conformance.test.ts');
    const { references } = parsed<{ references: { path: string }[] }>(text(root, 'tsconfig.json'));
    expect(references.map(({ path }) => path)).toEqual(['packages/core', 'plugins/my-method', 'plugins/my-method/tsconfig.test.json']);
    const tests = await run('vitest', ['run'], folder);
    expect(tests.code, tests.stdout + tests.stderr).toBe(0);
    expect(tests.stdout).toMatch(/test\/conformance\.test\.ts/);
  });

  it('has the configuration that the plugins of the repository have', () => {
    const template = join(ROOT, 'packages/cli/template/plugin/repository');
    for (const file of ['tsconfig.json', 'tsconfig.test.json']) {
      expect(JSON.parse(text(template, `${file}.tmpl`))).toEqual(JSON.parse(text(ROOT, 'plugins/pgd-at', file)));
    }
    type Manifest = Record<string, unknown>;
    const filled = parsed<Manifest>(text(template, 'package.json.tmpl').replaceAll('{{name}}', 'pgd-at'));
    const real = parsed<Manifest>(text(ROOT, 'plugins/pgd-at/package.json'));
    for (const field of ['type', 'exports', 'files', 'scripts', 'engines', 'license', 'peerDependencies', 'dependencies']) expect(filled[field], field).toEqual(real[field]);
  });
});
