// Compiles assembly/ twice, for SIMD and for relaxed SIMD, and embeds both in dist/modules.js, so that no path has to be set.
// The modules import the backend's memory and have neither data nor stack of their own.
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { main } from 'assemblyscript/asc';

const root = fileURLToPath(new URL('..', import.meta.url));
const OPTIONS = ['-O3', '--noAssert', '--runtime', 'stub', '--importMemory', '--enable', 'simd'];

async function compile(more) {
  const written = {};
  const { error, stderr } = await main(['assembly/index.ts', ...OPTIONS, ...more, '--baseDir', root, '--outFile', 'module.wasm'], {
    writeFile: (name, contents) => void (written[name] = contents),
  });
  if (error) throw new Error(`asc: ${stderr.toString()}`, { cause: error });
  return Buffer.from(written['module.wasm']).toString('base64');
}

const [simd, relaxedSimd] = [await compile([]), await compile(['--enable', 'relaxed-simd'])];
await mkdir(new URL('../dist/', import.meta.url), { recursive: true });
await writeFile(new URL('../dist/modules.js', import.meta.url), `export const simd = '${simd}';\nexport const relaxedSimd = '${relaxedSimd}';\n`);
