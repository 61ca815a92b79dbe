import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** A running server. */
export interface Site {
  readonly origin: string;
  close(): void;
}

const backend = join(dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm/package.json')), 'dist');
// Node's modules, which the backend's glue code asks for in Node only.
const NODE_MODULES = ['fs', 'path', 'os', 'util', 'crypto', 'worker_threads', 'perf_hooks', 'string_decoder', 'node-fetch'];

/** Serves the bundled page at `/` and, cross-origin isolated, at `/isolated/`; the backend's modules at `/wasm/`. */
export async function serve(): Promise<Site> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('page.ts', import.meta.url))],
    bundle: true, write: false, format: 'esm', platform: 'browser', target: 'es2022',
    conditions: ['@robustjs/source'], external: NODE_MODULES, logLevel: 'error',
  });
  const script = outputFiles[0]!.contents;
  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    const isolated = path.startsWith('/isolated/') ? { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' } : {};
    const answer = (type: string, body: string | Uint8Array): void => {
      response.writeHead(200, { 'Content-Type': type, ...isolated }).end(body);
    };
    if (path.endsWith('page.js')) answer('text/javascript', script);
    else if (path.endsWith('.wasm')) readFile(join(backend, path.split('/').at(-1)!)).then((body) => answer('application/wasm', body), () => response.writeHead(404).end());
    else answer('text/html', '<!doctype html><link rel="icon" href="data:,"><script type="module" src="page.js"></script>');
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => void server.close() };
}
