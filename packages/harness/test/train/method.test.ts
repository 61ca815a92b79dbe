import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadMethod } from '../../src/train/index.ts';
import { temporaryFolders } from './support.ts';

const temporary = temporaryFolders();
const versions = /^\d+\.\d+\.\d+/;

describe('loadMethod', () => {
  it('loads a package with its defaults filled in', async () => {
    const method = await loadMethod({ package: '@robustjs/advprop', options: { steps: 2 } });
    expect(method).toMatchObject({ id: 'advprop', package: '@robustjs/advprop', plugin: { kind: 'defense' } });
    expect(method.options).toEqual({ norm: 'Linf', eps: '4/255', steps: 2, targeted: false, randomStart: true, labelSmoothing: 0 });
    expect(method.version).toMatch(versions);
    expect(Object.keys(method.defense)).toEqual(['kit', 'objective']);
  });

  it('knows plain training', async () => {
    expect(await loadMethod({ package: 'standard', options: {} })).toEqual({
      id: 'standard', package: 'standard', version: expect.stringMatching(versions) as string, options: {}, defense: {}, from: process.cwd(),
    });
    await expect(loadMethod({ package: 'standard', options: { eps: 1 } })).rejects.toMatchObject({ code: 'RJS_METHOD_OPTIONS' });
  });

  it('finds a package in the folder of the user first', async () => {
    const folder = await temporary();
    const home = join(folder, 'node_modules', 'my-method');
    await mkdir(home, { recursive: true });
    await writeFile(join(home, 'package.json'), '{ "name": "my-method", "version": "3.1.4", "type": "module", "exports": "./index.js" }');
    await writeFile(join(home, 'index.js'), "export const plugin = { id: 'mine', kind: 'defense', options: { parse: (v) => v, toJSONSchema: () => ({}) }, create: () => ({}) };");
    expect(await loadMethod({ package: 'my-method', options: {} }, folder)).toMatchObject({ id: 'mine', version: '3.1.4' });
    expect(await loadMethod({ package: './node_modules/my-method/index.js', options: {} }, folder)).toMatchObject({ id: 'mine', version: '3.1.4' });
  });

  it('says how to install an unknown package', async () => {
    const folder = await temporary();
    await expect(loadMethod({ package: '@robustjs/no-such-method', options: {} }, folder)).rejects.toMatchObject({
      code: 'RJS_METHOD',
      message: `Expected the method's package "@robustjs/no-such-method" to be installed, got none in ${folder} or above (npm install @robustjs/no-such-method)`,
    });
  });

  it('refuses a package that is no method, and one that does not load', async () => {
    await expect(loadMethod({ package: 'zod', options: {} })).rejects.toMatchObject({ code: 'RJS_METHOD', message: expect.stringContaining("to export a defense as 'plugin', got no such export") as string });
    const folder = await temporary();
    await writeFile(join(folder, 'broken.mjs'), "throw new Error('on purpose');");
    await writeFile(join(folder, 'attack.mjs'), "export const plugin = { id: 'x', kind: 'attack' };");
    await expect(loadMethod({ package: './broken.mjs', options: {} }, folder)).rejects.toMatchObject({ code: 'RJS_METHOD', message: expect.stringContaining('Error: on purpose') as string });
    await expect(loadMethod({ package: './attack.mjs', options: {} }, folder)).rejects.toMatchObject({ code: 'RJS_METHOD', message: expect.stringContaining('kind "attack"') as string });
  });

  it('names the option that is wrong, and those there are', async () => {
    const load = (options: Record<string, string | number>) => loadMethod({ package: '@robustjs/trades', options });
    await expect(load({ beta: 'six' })).rejects.toMatchObject({ code: 'RJS_METHOD_OPTIONS', message: expect.stringMatching(/trades takes: beta, norm, eps, alpha, steps, got 'beta': /) as string });
    await expect(load({ betta: 6 })).rejects.toMatchObject({ code: 'RJS_METHOD_OPTIONS', message: expect.stringContaining('betta') as string });
    await expect(load({ eps: '8/x' })).rejects.toMatchObject({ code: 'RJS_EPS' });
  });
});
