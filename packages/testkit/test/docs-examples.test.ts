import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, it, vi } from 'vitest';

// Every TypeScript block of the READMEs and guides compiles; those that start a runtime are programs, and run.
const root = fileURLToPath(new URL('../../..', import.meta.url));
const out = join(root, 'packages/testkit/dist/docs-examples');

const pages = [
  ...['packages', 'plugins'].flatMap((parent) => readdirSync(join(root, parent)).map((name) => `${parent}/${name}/README.md`)),
  ...readdirSync(join(root, 'docs/guides')).map((name) => `docs/guides/${name}`),
];

const examples = pages.flatMap((page) => {
  const blocks = [...readFileSync(join(root, page), 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code!);
  return blocks.map((code, i) => ({ page, code, file: join(out, `${page.replaceAll(/[/.]/g, '-')}-${i}.ts`) }));
});

describe('examples in READMEs and guides', () => {
  it('compile', () => {
    rmSync(out, { recursive: true, force: true });
    mkdirSync(out, { recursive: true });
    for (const { code, file } of examples) writeFileSync(file, code.includes('export ') ? code : `${code}\nexport {};\n`);
    const options = { noEmit: true, allowImportingTsExtensions: true, composite: false, declarationMap: false, rewriteRelativeImportExtensions: false, isolatedDeclarations: false };
    writeFileSync(join(out, 'tsconfig.json'), JSON.stringify({ extends: '../../../../tsconfig.base.json', compilerOptions: options, include: ['*.ts'] }));
    const tsc = join(root, 'node_modules/.bin/tsc');
    expect(() => execFileSync(tsc, ['-p', out], { encoding: 'utf8', stdio: 'pipe' })).not.toThrow();
    expect(examples.length).toBeGreaterThan(5);
  });

  const programs = examples.filter(({ code }) => code.includes('await startWasm()'));
  it.each(programs)('run: $page', async ({ file }) => {
    const printed = vi.spyOn(console, 'log').mockImplementation(() => {});
    const home = process.cwd();
    process.chdir(out); // what an example writes stays out of the tree
    await expect(import(pathToFileURL(file).href)).resolves.toBeDefined();
    process.chdir(home);
    printed.mockRestore();
  });
});
