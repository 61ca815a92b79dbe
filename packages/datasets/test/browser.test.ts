import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect, test } from 'vitest';

test('the browser entry bundles without any of Node, tar or sharp', async () => {
  const { metafile } = await build({
    stdin: { contents: "export * from '@robustjs/datasets';", resolveDir: fileURLToPath(new URL('.', import.meta.url)) },
    bundle: true,
    write: false,
    metafile: true,
    platform: 'browser',
    format: 'esm',
    conditions: ['@robustjs/source', 'browser'],
    external: ['@tensorflow/tfjs-core'],
    logLevel: 'silent',
  });
  const inputs = Object.keys(metafile.inputs).filter((name) => name !== '<stdin>');
  expect(inputs.some((name) => name.endsWith('datasets/src/batches.ts'))).toBe(true);
  expect(inputs.filter((name) => /src\/node\/|node_modules/.test(name))).toEqual([]);
});
