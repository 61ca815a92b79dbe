// TF.js registers its gradients in a file that Node cannot import (extensionless imports inside an ES module).
// Bundling just that file works: engine, kernel registry and gradient registry hang off globalThis, so the copies of the
// operations inside the bundle act on the engine of whichever tfjs-core the user imports.
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const require = createRequire(import.meta.url);
const core = dirname(require.resolve('@tensorflow/tfjs-core/package.json'));
const out = fileURLToPath(new URL('../dist/', import.meta.url));

await mkdir(out, { recursive: true });
await build({
  entryPoints: [join(core, 'dist/register_all_gradients.js')],
  outfile: join(out, 'gradients.js'),
  bundle: true,
  format: 'esm',
  platform: 'neutral',
  target: 'es2022',
  minify: true,
  legalComments: 'eof',
  external: ['@tensorflow/tfjs-core', 'node-fetch', 'util', 'crypto'],
  logLevel: 'warning',
});
